-- Types change by an expression, which changes from the log go through as well.
CREATE TABLE t (id integer PRIMARY KEY, at integer NOT NULL, tags text);
INSERT INTO t SELECT i, 1700000000 + i, NULLIF('a,b' || i, 'a,b7') FROM generate_series(1, 500) AS i;
