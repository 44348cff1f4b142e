-- Histograms that an operator made are there afterwards.
CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(50));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, i, CONCAT('row ', i) FROM series;
ANALYZE TABLE t UPDATE HISTOGRAM ON n, v WITH 16 BUCKETS;
