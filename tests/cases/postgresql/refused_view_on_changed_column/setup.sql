-- Refused, as by the server itself: a view shows the column whose type changes.
CREATE TABLE t (id integer PRIMARY KEY, n integer);
INSERT INTO t VALUES (1, 1);
CREATE VIEW v AS SELECT n FROM t;
