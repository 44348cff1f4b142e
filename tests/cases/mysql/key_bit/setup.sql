-- A key of bits.
CREATE TABLE t (k bit(40) NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT (i * 1000000007), i, CONCAT('row ', i) FROM series;
