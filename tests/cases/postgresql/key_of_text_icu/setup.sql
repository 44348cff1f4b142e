-- The key is text in German order: the server's order, not that of bytes, decides what a chunk holds.
CREATE TABLE t (id text COLLATE "de-x-icu" PRIMARY KEY, n integer);
INSERT INTO t SELECT p || i, i FROM generate_series(1, 100) AS i, unnest(ARRAY['a', 'A', 'ä', 'Z', 'z', 'ß', '-', ' ', '']) AS p;
