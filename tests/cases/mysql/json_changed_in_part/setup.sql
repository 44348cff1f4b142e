-- JSON_SET and its like change parts of a document: the log may hold the whole only.
CREATE TABLE t (id int PRIMARY KEY, n int, j json);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i, JSON_OBJECT('a', i, 'text', REPEAT('x', 500), 'list', JSON_ARRAY(1, 2, 3)) FROM series;
