-- The key has three columns of different types, one of them descending in its index.
CREATE TABLE t (a integer, b text COLLATE "C", c date, n integer, PRIMARY KEY (c, a, b));
INSERT INTO t SELECT i % 5, 'b' || i % 10, date '2024-01-01' + i / 10, i FROM generate_series(1, 800) AS i;
