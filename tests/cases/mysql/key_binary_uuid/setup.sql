-- A random UUID as 16 bytes.
CREATE TABLE t (k binary(16) NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT UNHEX(LEFT(SHA2(i, 256), 32)), i, CONCAT('row ', i) FROM series;
