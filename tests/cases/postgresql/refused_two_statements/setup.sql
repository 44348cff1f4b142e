-- Refused: a second statement stands behind the ALTER.
CREATE TABLE t (id integer PRIMARY KEY, n integer);
INSERT INTO t VALUES (1, 1);
