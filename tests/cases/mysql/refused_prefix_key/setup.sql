-- The only unique index holds the beginning of the text only.
CREATE TABLE t (v varchar(100) NOT NULL, n int, UNIQUE KEY v (v(5)));
INSERT INTO t VALUES ('a', 1);
