-- The replica identity is the whole row, and columns are NULL.
CREATE TABLE t (id integer PRIMARY KEY, n integer, v text);
ALTER TABLE t REPLICA IDENTITY FULL;
INSERT INTO t SELECT i, NULLIF(i % 3, 0), NULLIF('v' || i % 5, 'v0') FROM generate_series(1, 500) AS i;
