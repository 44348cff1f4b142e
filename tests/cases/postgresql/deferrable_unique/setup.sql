-- A deferrable unique constraint, whose values are exchanged within one statement and within one transaction.
CREATE TABLE t (id integer PRIMARY KEY, n integer, place integer, UNIQUE (place) WITH (fillfactor = 70) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO t SELECT i, i, i FROM generate_series(1, 200) AS i;
