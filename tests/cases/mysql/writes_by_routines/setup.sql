-- Writers use a procedure, statements of many rows, REPLACE, and joined deletes.
CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(50));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i, CONCAT('row ', i) FROM series;CREATE PROCEDURE put_in(IN k int, IN l int) INSERT INTO t VALUES (k, l, 'by procedure') ON DUPLICATE KEY UPDATE n = l;
CREATE PROCEDURE put_mirror(IN k int, IN l int) INSERT INTO mirror VALUES (k, l, 'by procedure') ON DUPLICATE KEY UPDATE n = l;
