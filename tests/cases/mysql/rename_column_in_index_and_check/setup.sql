-- A renamed column is in an index, a check and a generated column.
CREATE TABLE t (id int PRIMARY KEY, a int, KEY a (a), CONSTRAINT a_small CHECK (a < 10000));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i FROM series;
