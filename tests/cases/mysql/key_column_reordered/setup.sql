-- The columns of the key change places in the table.
CREATE TABLE t (a int, b int, n int, PRIMARY KEY (a, b));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i % 7, i, i FROM series;
