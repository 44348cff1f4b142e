-- Columns change places.
CREATE TABLE t (id int PRIMARY KEY, a int, b varchar(20), c date, d blob);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, i, 'b', '2026-01-01', 'd' FROM series;
