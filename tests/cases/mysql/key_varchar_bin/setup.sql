-- A key whose collation tells every byte apart.
CREATE TABLE t (k varchar(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT CONCAT(ELT(1 + i % 4, 'key', 'KEY', 'Këy', ''), i), i, CONCAT('row ', i) FROM series;
