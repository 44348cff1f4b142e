-- The only unique index is on an expression.
CREATE TABLE t (n int NOT NULL, m int, UNIQUE KEY e ((n + 1)));
INSERT INTO t VALUES (1, 1);
