-- A check that is not enforced, and rows that violate it.
CREATE TABLE t (id int PRIMARY KEY, a int, CONSTRAINT a_small CHECK (a < 10) NOT ENFORCED);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i FROM series;
