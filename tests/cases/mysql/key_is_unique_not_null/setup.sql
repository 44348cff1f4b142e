-- No primary key: a unique index on NOT NULL columns takes its place.
CREATE TABLE t (a int NOT NULL, b varchar(20) NOT NULL, n int, x int, UNIQUE KEY ab (a, b), UNIQUE KEY x (x));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT i, CONCAT('b', i), i, NULL FROM series;
