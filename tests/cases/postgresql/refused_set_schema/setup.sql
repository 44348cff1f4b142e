-- Refused: the table cannot be moved to another schema by a migration.
CREATE TABLE t (id integer PRIMARY KEY, n integer);
INSERT INTO t VALUES (1, 1);
CREATE SCHEMA other;
