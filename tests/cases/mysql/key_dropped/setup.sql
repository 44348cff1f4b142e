-- The ALTER leaves the table without its key.
CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(50));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i, CONCAT('row ', i) FROM series;
