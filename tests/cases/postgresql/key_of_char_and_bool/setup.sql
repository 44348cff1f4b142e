-- The key holds blank-padded text and a boolean.
CREATE TABLE t (a character(8), b boolean, n integer, PRIMARY KEY (b, a));
INSERT INTO t SELECT 'k' || i, i % 2 = 0, i FROM generate_series(1, 500) AS i;
