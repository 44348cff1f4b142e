-- Indexes come out in the order of the native ALTER, whatever is added, dropped and renamed.
CREATE TABLE t (id int PRIMARY KEY, a int, b int NOT NULL, c int, KEY ka (a), UNIQUE KEY ub (b), KEY kc (c), UNIQUE KEY uc (c));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 100)
SELECT i, i, i, i FROM series;
