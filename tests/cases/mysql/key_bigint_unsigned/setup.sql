-- A key above the largest signed number, and zero.
CREATE TABLE t (k bigint unsigned NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT (CASE i % 4 WHEN 0 THEN 18446744073709551615 - i WHEN 1 THEN 9223372036854775808 + i WHEN 2 THEN 9223372036854775807 - i ELSE i - 3 END), i, CONCAT('row ', i) FROM series;
