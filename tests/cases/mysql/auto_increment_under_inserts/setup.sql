-- Writers take numbers during the migration: none comes twice, and the next is above all.
CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, n int);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 100)
SELECT i, i FROM series;
