-- Refused: a partition of another table.
CREATE TABLE parent (id integer PRIMARY KEY, n integer) PARTITION BY RANGE (id);
CREATE TABLE t PARTITION OF parent FOR VALUES FROM (0) TO (100);
INSERT INTO t VALUES (1, 1);
