-- Refused: a materialized view depends on the table.
CREATE TABLE t (id integer PRIMARY KEY, n integer);
INSERT INTO t VALUES (1, 1);
CREATE MATERIALIZED VIEW m AS SELECT id FROM t;
