-- The table has no columns but its key.
CREATE TABLE t (a integer, b text, PRIMARY KEY (a, b));
INSERT INTO t SELECT i, 'b' || i FROM generate_series(1, 300) AS i;
