-- A check is replaced by one of the same name, which the old table has while both are there.
CREATE TABLE t (id int PRIMARY KEY, a int, CONSTRAINT a_small CHECK (a < 1000));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 20)
SELECT i, i FROM series;
