-- Refused: attaching a partition.
CREATE TABLE t (id integer PRIMARY KEY, n integer);
INSERT INTO t VALUES (1, 1);
CREATE TABLE other (id integer, n integer);
