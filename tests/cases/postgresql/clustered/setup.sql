-- The table is marked as clustered on an index.
CREATE TABLE t (id integer PRIMARY KEY, n integer);
CREATE INDEX t_n ON t (n DESC NULLS LAST);
ALTER TABLE t CLUSTER ON t_n;
INSERT INTO t SELECT i, -i FROM generate_series(1, 300) AS i;
