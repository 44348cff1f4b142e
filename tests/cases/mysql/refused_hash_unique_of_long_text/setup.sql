-- MariaDB's unique index on text of any length.
CREATE TABLE t (id int PRIMARY KEY, v text, n int, UNIQUE KEY v (v));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 100)
SELECT i, REPEAT(i, 300), i FROM series;
