-- Refused: the ALTER opens a comment that is not closed.
CREATE TABLE t (id integer PRIMARY KEY, n integer);
INSERT INTO t VALUES (1, 1);
