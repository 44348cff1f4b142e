-- Refused: rows cannot be told apart.
CREATE TABLE t (id integer, n integer UNIQUE);
INSERT INTO t VALUES (1, 1), (1, NULL);
