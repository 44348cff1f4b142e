-- Existing rows get the new column's default, while writers insert, update and delete.
CREATE TABLE t (id int PRIMARY KEY, v varchar(100) CHARACTER SET utf8mb4);
INSERT INTO t WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 500) SELECT i, CONCAT('row ', i) FROM s;
