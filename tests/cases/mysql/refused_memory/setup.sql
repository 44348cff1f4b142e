-- MEMORY has no transactions.
CREATE TABLE t (id int PRIMARY KEY, n int) ENGINE=MEMORY;
INSERT INTO t VALUES (1, 1);
