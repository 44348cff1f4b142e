-- A key with a descending part.
CREATE TABLE t (a int, b int, n int, PRIMARY KEY (a, b DESC));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 600)
SELECT i % 5, i, i FROM series;
