-- A system-versioned table of MariaDB has a history that a copy would not have.
CREATE TABLE t (id int PRIMARY KEY, n int) WITH SYSTEM VERSIONING;
INSERT INTO t VALUES (1, 1);
UPDATE t SET n = 2;
