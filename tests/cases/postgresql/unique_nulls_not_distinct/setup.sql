-- A unique constraint for which two NULLs are the same.
CREATE TABLE t (a int PRIMARY KEY, b int, CONSTRAINT t_b UNIQUE NULLS NOT DISTINCT (b));
INSERT INTO t SELECT i, nullif(i, 5) FROM generate_series(1, 1000) i;
CREATE UNIQUE INDEX t_pair ON t (b, a) NULLS NOT DISTINCT;
