-- A key of moments that are shown in the session's time zone.
SET time_zone = '+02:00';
CREATE TABLE t (k timestamp(3) NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT ('2026-10-25 00:00:00.000' + INTERVAL i * 17003000 MICROSECOND), i, CONCAT('row ', i) FROM series;
