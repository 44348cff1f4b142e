-- Histograms that the server keeps up to date itself are kept up to date afterwards, and only these.
CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(50));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, i, CONCAT('row ', i) FROM series;
ANALYZE TABLE t UPDATE HISTOGRAM ON n WITH 16 BUCKETS AUTO UPDATE;
ANALYZE TABLE t UPDATE HISTOGRAM ON v WITH 16 BUCKETS MANUAL UPDATE;
