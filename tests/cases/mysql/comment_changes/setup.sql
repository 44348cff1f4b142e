-- The table's comment changes.
CREATE TABLE t (id int PRIMARY KEY, n int) COMMENT 'old';
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 50)
SELECT i, i FROM series;
