-- Refused: an unlogged table is not in the log.
CREATE UNLOGGED TABLE t (id integer PRIMARY KEY, n integer);
INSERT INTO t VALUES (1, 1);
