-- The collation of a key of text becomes one that tells more apart.
CREATE TABLE t (k varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY, n int);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT CONCAT('key ', i), i FROM series;
