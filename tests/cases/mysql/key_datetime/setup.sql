-- A key of moments with microseconds.
CREATE TABLE t (k datetime(6) NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT ('2026-01-01 00:00:00' + INTERVAL i * 999983 MICROSECOND), i, CONCAT('row ', i) FROM series;
