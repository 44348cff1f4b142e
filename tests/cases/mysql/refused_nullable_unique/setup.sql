-- The only unique index lets NULLs in.
CREATE TABLE t (n int, m int, UNIQUE KEY nm (n, m));
INSERT INTO t VALUES (1, 1), (NULL, 1), (NULL, 1);
