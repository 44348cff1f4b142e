-- Stored and virtual generated columns, indexed and not, upon one another.
CREATE TABLE t (id int PRIMARY KEY, a int, b varchar(50), s int AS (a * 2) STORED, w varchar(60) AS (CONCAT(b, '!')) VIRTUAL, x int AS (s + 1) STORED, z int AS (a % 10) VIRTUAL, KEY s (s), KEY w (w));
INSERT INTO t (id, a, b) WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 300) SELECT i, i, CONCAT('b', i) FROM s;
