-- The key gets a type in which two keys are one.
CREATE TABLE t (k decimal(10,2) PRIMARY KEY, n int);
INSERT INTO t VALUES (1.1, 1), (1.2, 2), (2, 3);
