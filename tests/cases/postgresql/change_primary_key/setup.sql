-- The primary key becomes another, and rows are still found by the old one until the swap.
CREATE TABLE t (tenant integer NOT NULL, id integer PRIMARY KEY, v text);
INSERT INTO t SELECT i % 3, i, 'row ' || i FROM generate_series(1, 500) AS i;
