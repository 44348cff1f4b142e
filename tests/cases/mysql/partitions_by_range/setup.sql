-- Partitions are those of the native ALTER, and rows move between them.
CREATE TABLE t (id int, n int NOT NULL, v varchar(50), PRIMARY KEY (id)) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (100), PARTITION p1 VALUES LESS THAN (200) COMMENT = 'second', PARTITION p2 VALUES LESS THAN MAXVALUE);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 300)
SELECT i, i, CONCAT('row ', i) FROM series;
