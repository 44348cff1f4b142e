-- A new column numbers the rows: its sequence comes with it and goes on behind the last row.
CREATE TABLE t (id integer PRIMARY KEY, v text);
INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 300) AS i;
