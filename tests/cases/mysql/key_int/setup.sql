-- The plain case: a key of integers, with negative ones.
CREATE TABLE t (k int NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT (i * 7919 % 100003 - 50000), i, CONCAT('row ', i) FROM series;
