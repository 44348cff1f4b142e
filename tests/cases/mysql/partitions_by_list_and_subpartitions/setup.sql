-- Partitions are those of the native ALTER, and rows move between them.
CREATE TABLE t (id int, n int NOT NULL, v varchar(50), PRIMARY KEY (id, n)) PARTITION BY RANGE (id) SUBPARTITION BY HASH (n) SUBPARTITIONS 2 (PARTITION p0 VALUES LESS THAN (150), PARTITION p1 VALUES LESS THAN (100000));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, i, CONCAT('row ', i) FROM series;
