-- Writers move rows to other keys, into ranges that were copied and out of them.
CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, big mediumtext);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT i * 10, i, REPEAT(CONCAT(i, '.'), 2000) FROM series;
