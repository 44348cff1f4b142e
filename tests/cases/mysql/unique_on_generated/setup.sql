-- A unique index on a virtual column.
CREATE TABLE t (id int PRIMARY KEY, a int, v int AS (a + 1000) VIRTUAL, UNIQUE KEY v (v));
INSERT INTO t (id, a) WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200) SELECT i, i FROM s;
