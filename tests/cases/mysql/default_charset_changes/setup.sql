-- The table's default character set changes, its columns do not.
CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(50)) DEFAULT CHARSET=latin1;
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 100)
SELECT i, i, 'ä' FROM series;
