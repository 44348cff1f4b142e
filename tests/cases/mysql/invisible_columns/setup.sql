-- Invisible columns are copied and replayed, stay invisible, and one becomes visible.
CREATE TABLE t (id int PRIMARY KEY, a int INVISIBLE, n int, b varchar(20) DEFAULT 'b' INVISIBLE);
INSERT INTO t (id, a, n, b) WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200) SELECT i, i, i, 'x' FROM s;
