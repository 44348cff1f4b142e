-- A new unique index, kept while writers change the values.
CREATE TABLE t (id int PRIMARY KEY, u int, n int);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, i, i FROM series;
