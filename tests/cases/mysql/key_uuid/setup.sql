-- A key of MariaDB's type UUID, which is ordered in another way than its text.
CREATE TABLE t (k uuid NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT CONCAT(LPAD(HEX(i * 65521), 8, '0'), '-', LPAD(HEX(i % 1000), 4, '0'), '-1', LPAD(HEX(i % 7), 3, '0'), '-8000-', LPAD(HEX(i), 12, '0')), i, CONCAT('row ', i) FROM series;
