-- A key in the server's own collation, with all-ASCII and other text.
CREATE TABLE t (k varchar(100) NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT CONCAT(ELT(1 + i % 4, 'a', 'Ä', '表', '😀'), '-', i), i, CONCAT('row ', i) FROM series;
