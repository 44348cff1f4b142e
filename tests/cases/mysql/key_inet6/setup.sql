-- A key of MariaDB's type INET6.
CREATE TABLE t (k inet6 NOT NULL, n int, v varchar(50), PRIMARY KEY (k));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
SELECT CAST(CONCAT('2001:db8::', HEX(i)) AS inet6), i, CONCAT('row ', i) FROM series;
