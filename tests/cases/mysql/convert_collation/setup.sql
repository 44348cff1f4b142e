-- The collation of text changes, with an index on it.
CREATE TABLE t (id int PRIMARY KEY, a varchar(30) COLLATE utf8mb4_general_ci, b varchar(30) COLLATE utf8mb4_bin, KEY a (a), KEY b (b));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, CONCAT('A', i), CONCAT('b', i) FROM series;
