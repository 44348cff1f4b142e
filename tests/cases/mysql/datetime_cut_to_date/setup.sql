-- A cut that a native ALTER does with a note only.
CREATE TABLE t (id int PRIMARY KEY, d datetime, n decimal(10,4));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 100)
SELECT i, '2026-01-01 10:11:12', i / 7 FROM series;
