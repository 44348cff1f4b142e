-- A member that rows use is missing from the new ENUM.
CREATE TABLE t (id int PRIMARY KEY, e enum('a', 'b', 'c'));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, 1 + i % 3 FROM series;
