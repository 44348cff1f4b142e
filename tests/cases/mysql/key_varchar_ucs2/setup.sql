-- A key in ucs2.
CREATE TABLE t (k varchar(40) CHARACTER SET ucs2 NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT CONCAT(ELT(1 + i % 4, '表', 'a', 'ä', ''), i), i, CONCAT('row ', i) FROM series;
