-- A vector index of MariaDB is carried over.
CREATE TABLE t (id int PRIMARY KEY, n int, v vector(3) NOT NULL, VECTOR INDEX (v) M=8 DISTANCE=cosine);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 100)
SELECT i, i, VEC_FromText(CONCAT('[', i, ',', i % 7, ',1]')) FROM series;
