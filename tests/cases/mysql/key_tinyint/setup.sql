-- A key whose values are nearly all taken.
CREATE TABLE t (k tinyint NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT (i - 129), i, CONCAT('row ', i) FROM series;
