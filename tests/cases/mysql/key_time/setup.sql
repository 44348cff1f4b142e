-- A key of times, also negative.
CREATE TABLE t (k time(2) NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT CAST(CONCAT(ELT(1 + i % 2, '-', ''), i DIV 2, ':00:00.', LPAD(i % 100, 2, '0')) AS time(2)), i, CONCAT('row ', i) FROM series;
