-- A new column of AUTO_INCREMENT on a table whose key is another.
CREATE TABLE t (k varchar(20) PRIMARY KEY, n int);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 50)
SELECT CONCAT('k', i), i FROM series;
