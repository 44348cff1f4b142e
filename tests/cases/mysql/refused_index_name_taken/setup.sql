-- The ALTER adds an index whose name is taken.
CREATE TABLE t (id int PRIMARY KEY, n int, KEY k (n));
INSERT INTO t VALUES (1, 1);
