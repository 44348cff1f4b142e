-- A member that rows use is missing from the new SET.
CREATE TABLE t (id int PRIMARY KEY, e set('a', 'b', 'c'));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i % 8 FROM series;
