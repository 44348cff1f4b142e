-- Many actions in one ALTER.
CREATE TABLE t (id int PRIMARY KEY, a int, b varchar(20), c int, d int, KEY c (c), KEY d (d));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, i, CONCAT('b', i), i % 9, i FROM series;
