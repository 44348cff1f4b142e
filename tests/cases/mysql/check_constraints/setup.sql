-- CHECK constraints, of the table and of a column, named and not, and a new one.
CREATE TABLE t (id int PRIMARY KEY, a int CHECK (a < 100000), b int, CONSTRAINT b_small CHECK (b < 900000), CHECK (a + b < 1000000));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i, i FROM series;
