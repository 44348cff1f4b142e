-- Numbers become wider, signed, unsigned, decimal, floating and text.
CREATE TABLE t (id int PRIMARY KEY, a tinyint, b int unsigned, c decimal(10,2), d float, e bigint, f int, g double, h bit(8), i year);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i % 100, i, i / 4, i / 3, i * 1000000007, i, i / 7, i % 256, 1990 + i % 30 FROM series;
