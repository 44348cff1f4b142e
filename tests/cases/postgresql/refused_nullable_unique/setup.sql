-- Refused: the only unique index is on a column that may be NULL.
CREATE TABLE t (id integer UNIQUE, n integer);
INSERT INTO t VALUES (1, 1), (NULL, NULL);
