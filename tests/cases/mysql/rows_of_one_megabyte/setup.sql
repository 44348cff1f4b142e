-- Rows larger than a packet of the usual size.
CREATE TABLE t (id int PRIMARY KEY, n int, b longblob);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 10)
SELECT i, i, REPEAT(X'00FF27', 1000000 + i) FROM series;
