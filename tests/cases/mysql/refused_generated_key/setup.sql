-- The key is computed: what the log holds of it cannot be written.
CREATE TABLE t (a int, k int AS (a * 2) STORED NOT NULL, PRIMARY KEY (k));
INSERT INTO t (a) VALUES (1), (2);
