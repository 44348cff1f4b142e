-- Indexes that the optimizer ignores stay so.
CREATE TABLE t (id int PRIMARY KEY, a int, b int, KEY a (a) IGNORED, UNIQUE KEY b (b) IGNORED);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i, i FROM series;
