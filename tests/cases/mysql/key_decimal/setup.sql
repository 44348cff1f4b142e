-- A key with decimals.
CREATE TABLE t (k decimal(20,6) NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT ((i - 350) * 1.000001), i, CONCAT('row ', i) FROM series;
