-- Only a default changes, and one goes.
CREATE TABLE t (id int PRIMARY KEY, n int DEFAULT 1, v varchar(20) DEFAULT 'x');
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 100)
SELECT i, i, 'v' FROM series;
