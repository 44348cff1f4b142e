-- A key of several types, of which the first says little.
CREATE TABLE t (a tinyint, m varchar(30), d date, n int, v varchar(50), PRIMARY KEY (a, m, d));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 600)
SELECT i % 3, CONCAT('m', i % 20), '2026-01-01' + INTERVAL i DAY, i, 'row' FROM series;
