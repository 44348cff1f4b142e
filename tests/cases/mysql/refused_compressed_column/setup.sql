-- Compressed columns of MariaDB, whose values the log holds compressed.
CREATE TABLE t (id int PRIMARY KEY, v varchar(1000) COMPRESSED, n int);
INSERT INTO t VALUES (1, REPEAT('a', 1000), 1);
