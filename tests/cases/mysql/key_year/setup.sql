-- A key of years.
CREATE TABLE t (k year NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT (1901 + i), i, CONCAT('row ', i) FROM series;
