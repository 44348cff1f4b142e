-- A key of SET is ordered by its number.
CREATE TABLE t (k set('z', 'y', 'x', 'w', 'v', 'u', 't', 's', 'r', 'q') NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT i, i, CONCAT('row ', i) FROM series;
