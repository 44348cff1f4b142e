-- Dropping a partition deletes rows: the copy would bring them back, or not.
CREATE TABLE t (id int PRIMARY KEY, n int) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO t VALUES (1, 1), (20, 2);
