-- A row with the key 0 in a column of AUTO_INCREMENT keeps it.
CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, n int);
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
INSERT INTO t VALUES (0, 0), (-5, 1);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 100)
SELECT i, i FROM series;
