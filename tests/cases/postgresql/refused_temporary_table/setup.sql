-- Refused: a temporary table is its session's own.
CREATE TEMPORARY TABLE t (id integer PRIMARY KEY, n integer);
