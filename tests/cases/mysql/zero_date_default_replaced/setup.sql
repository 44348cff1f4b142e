-- Defaults that a strict mode would not allow any more go by the ALTER; the rows keep such values.
SET sql_mode = '';
CREATE TABLE t (id int PRIMARY KEY, d date NOT NULL DEFAULT '0000-00-00', ts timestamp NOT NULL DEFAULT '0000-00-00 00:00:00', n int);
INSERT INTO t (id, n) VALUES (1, 1), (2, 2);
