-- A stored generated column becomes an ordinary one and keeps its values.
CREATE TABLE t (id int PRIMARY KEY, a int, s int AS (a * 2) STORED);
INSERT INTO t (id, a) WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 300) SELECT i, i FROM s;
