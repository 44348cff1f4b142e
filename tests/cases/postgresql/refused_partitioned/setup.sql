-- Refused: a partitioned table.
CREATE TABLE t (id integer PRIMARY KEY, n integer) PARTITION BY RANGE (id);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (100);
INSERT INTO t VALUES (1, 1);
