-- A column is dropped, with the index of its own.
CREATE TABLE t (id int PRIMARY KEY, n int, gone varchar(30), v varchar(50), KEY gone (gone), KEY both_of (n, gone));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, i, 'x', 'row' FROM series;
