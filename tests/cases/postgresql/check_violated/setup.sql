-- A row does not fit the new check.
CREATE TABLE t (id integer PRIMARY KEY, n integer);
INSERT INTO t SELECT i, i FROM generate_series(1, 500) AS i;
