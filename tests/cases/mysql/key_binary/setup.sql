-- A key of fixed bytes, some with zeros at the end.
CREATE TABLE t (k binary(6) NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT UNHEX(LPAD(HEX(i * 256 * 65521), 12, '0')), i, CONCAT('row ', i) FROM series;
