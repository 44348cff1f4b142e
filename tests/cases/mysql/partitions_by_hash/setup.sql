-- Partitions are those of the native ALTER, and rows move between them.
CREATE TABLE t (id int, n int NOT NULL, v varchar(50), PRIMARY KEY (id)) PARTITION BY HASH (id) PARTITIONS 5;
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, i, CONCAT('row ', i) FROM series;
