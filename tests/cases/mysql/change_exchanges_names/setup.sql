-- Two columns exchange their names by CHANGE, with other types.
CREATE TABLE t (id int PRIMARY KEY, a int, b int);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i, -i FROM series;
