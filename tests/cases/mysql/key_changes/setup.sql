-- The primary key becomes another column, which is unique and never NULL.
CREATE TABLE t (id int PRIMARY KEY, code varchar(20) NOT NULL, n int, UNIQUE KEY code (code));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, CONCAT('c', 1000 - i), i FROM series;
