-- No key: rows cannot be told apart.
CREATE TABLE t (n int, v varchar(20), KEY n (n));
INSERT INTO t VALUES (1, 'x'), (1, 'x');
