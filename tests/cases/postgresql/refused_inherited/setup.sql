-- Refused: other tables inherit from it.
CREATE TABLE t (id integer PRIMARY KEY, n integer);
INSERT INTO t VALUES (1, 1);
CREATE TABLE child () INHERITS (t);
