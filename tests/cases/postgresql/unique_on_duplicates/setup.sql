-- A unique constraint is wanted on a column that holds duplicates.
CREATE TABLE t (id integer PRIMARY KEY, email text);
INSERT INTO t SELECT i, 'mail' || i % 50 FROM generate_series(1, 100) AS i;
