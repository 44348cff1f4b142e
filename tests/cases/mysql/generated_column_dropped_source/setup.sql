-- A stored column that is computed from others stays while a virtual one goes.
CREATE TABLE t (id int PRIMARY KEY, a int, s int AS (a * 2) STORED, v int AS (a * 3) VIRTUAL);
INSERT INTO t (id, a) WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 300) SELECT i, i FROM s;
