-- Refused: a deferrable key may hold duplicates for a while.
CREATE TABLE t (id integer PRIMARY KEY DEFERRABLE, n integer);
INSERT INTO t VALUES (1, 1);
