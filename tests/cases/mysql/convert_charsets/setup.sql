-- Columns go from one character set to another, each its own way.
CREATE TABLE t (id int PRIMARY KEY, a varchar(30) CHARACTER SET latin1, b varchar(30) CHARACTER SET gbk, c varchar(30) CHARACTER SET utf8mb3, d text CHARACTER SET ucs2, e varchar(30) CHARACTER SET utf8mb4, f char(10) CHARACTER SET cp1251);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, CONCAT('ä', i), '表格', 'ä€表', 'ä€表', 'only latin: ä', 'Привет' FROM series;
