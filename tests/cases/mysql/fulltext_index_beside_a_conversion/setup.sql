-- A full-text index stays right where changes pass through a temporary table.
CREATE TABLE t (id int PRIMARY KEY, n int, v text, FULLTEXT KEY v (v));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 100)
SELECT i, i, CONCAT('word', i, ' common') FROM series;
