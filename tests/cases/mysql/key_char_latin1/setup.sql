-- A key of CHAR in latin1 with characters above ASCII.
CREATE TABLE t (k char(12) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT CONCAT(ELT(1 + i % 3, 'ä', 'z', 'ÿ'), i), i, CONCAT('row ', i) FROM series;
