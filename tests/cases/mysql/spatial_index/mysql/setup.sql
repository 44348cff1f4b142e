-- A spatial index is carried over.
CREATE TABLE t (id int PRIMARY KEY, n int, p point NOT NULL SRID 0, SPATIAL KEY p (p));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i, Point(i, -i) FROM series;
