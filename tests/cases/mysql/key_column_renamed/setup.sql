-- A column of the key gets another name.
CREATE TABLE t (id int PRIMARY KEY, n int);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, i FROM series;
