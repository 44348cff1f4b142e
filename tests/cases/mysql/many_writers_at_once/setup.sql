-- Writers that do not wait for one another, each with keys of its own.
CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(50));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT i, i, CONCAT('row ', i) FROM series;
