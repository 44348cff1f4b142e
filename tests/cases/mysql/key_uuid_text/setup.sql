-- A UUID as text.
CREATE TABLE t (k char(36) NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT INSERT(INSERT(INSERT(INSERT(LEFT(SHA2(i, 256), 32), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-'), i, CONCAT('row ', i) FROM series;
