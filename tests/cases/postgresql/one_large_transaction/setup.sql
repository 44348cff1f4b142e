-- Transactions that change every row several times, and half of them are rolled back or end in a rolled-back savepoint.
CREATE TABLE t (id integer PRIMARY KEY, n integer, v text);
INSERT INTO t SELECT i, 0, 'row ' || i FROM generate_series(1, 2000) AS i;
