-- Transactions that change every row several times, and half of them are rolled back or end in a rolled-back savepoint.
CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(30));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 900)
SELECT i, 0, CONCAT('row ', i) FROM series;
