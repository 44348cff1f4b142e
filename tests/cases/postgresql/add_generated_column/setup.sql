-- A new column that is computed from others.
CREATE TABLE t (id integer PRIMARY KEY, price numeric(10,2) NOT NULL, amount integer NOT NULL);
INSERT INTO t SELECT i, i * 1.25, i % 9 FROM generate_series(1, 500) AS i;
