-- Histograms of columns that the ALTER changes go, as the server has it; the others stay, with their own numbers of buckets.
CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(50), w int, `odd ``name` int, k int, g int AS (n + 1), u int);
INSERT INTO t (id, n, v, w, `odd ``name`, k, u) WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, i, CONCAT('row ', i), i % 7, i % 5, i % 3, i FROM series;
ANALYZE TABLE t UPDATE HISTOGRAM ON n, v WITH 16 BUCKETS;
ANALYZE TABLE t UPDATE HISTOGRAM ON w, u WITH 5 BUCKETS;
ANALYZE TABLE t UPDATE HISTOGRAM ON `odd ``name` WITH 100 BUCKETS;
ANALYZE TABLE t UPDATE HISTOGRAM ON k, g WITH 5 BUCKETS;
