-- Text that holds numbers and dates becomes what it says.
CREATE TABLE t (id int PRIMARY KEY, a varchar(20), b char(10), c varchar(30), d varchar(30), e varchar(30));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, CONCAT(i), CONCAT(i, '.5'), CONCAT('2026-01-', LPAD(1 + i % 28, 2, '0')), CONCAT('12:', LPAD(i % 60, 2, '0'), ':00'), CONCAT('1e', i % 20) FROM series;
