-- Refused, as by the server itself: another table has a column of the row type.
CREATE TABLE t (id integer PRIMARY KEY, n integer);
INSERT INTO t VALUES (1, 1);
CREATE TABLE other (r t);
