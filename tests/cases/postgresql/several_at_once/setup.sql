-- One ALTER with eight actions.
CREATE TABLE t (id integer PRIMARY KEY, b text, c integer, d text, e integer NOT NULL, CONSTRAINT gone CHECK (c < 1000));
INSERT INTO t SELECT i, 'b', i, 'd', i * 3 FROM generate_series(1, 500) AS i;
