-- A check is dropped, by its name.
CREATE TABLE t (id int PRIMARY KEY, a int, CONSTRAINT a_small CHECK (a < 1000), CONSTRAINT a_large CHECK (a > 0));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i FROM series;
