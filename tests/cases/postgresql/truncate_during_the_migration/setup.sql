-- Writers empty the table again and again.
CREATE TABLE t (id integer PRIMARY KEY, n integer);
INSERT INTO t SELECT i, i FROM generate_series(1, 300) AS i;
