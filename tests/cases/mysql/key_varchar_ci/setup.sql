-- Keys that differ in case, accents and blanks at the end are one row to the collation.
CREATE TABLE t (k varchar(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci PRIMARY KEY, n int, v varchar(50));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT CONCAT(ELT(1 + i % 3, 'key', 'KEY', 'Këy'), ' ', i, IF(i % 5 = 0, '  ', '')), i, 'row' FROM series;
INSERT INTO t VALUES ('', 0, 'empty'), ('😀', 0, ''), ('ß', 0, ''), ('表', 0, ''), ('\\', 0, ''), ('it''s', 0, '');
