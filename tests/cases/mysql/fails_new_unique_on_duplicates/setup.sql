-- A new unique index on rows that are not unique: it ends with the index named, and nothing has changed.
CREATE TABLE t (id int PRIMARY KEY, u int, n int);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, i % 250, i FROM series;
