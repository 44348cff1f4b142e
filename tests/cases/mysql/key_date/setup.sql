-- A key of days.
CREATE TABLE t (k date NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT ('2024-02-01' + INTERVAL i DAY), i, CONCAT('row ', i) FROM series;
