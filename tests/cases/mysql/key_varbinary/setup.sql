-- A key of bytes of any length, of which some are others with a zero or a blank behind.
CREATE TABLE t (k varbinary(20) NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT CONCAT(CHAR(i % 256), ELT(1 + i % 4, '', X'00', X'20', X'FF00'), UNHEX(LPAD(HEX(i DIV 256), 4, '0'))), i, CONCAT('row ', i) FROM series;
