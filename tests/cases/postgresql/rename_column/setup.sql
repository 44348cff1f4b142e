-- A column gets another name; everything that names it goes on working.
CREATE TABLE t (id integer PRIMARY KEY, v text CHECK (v <> ''));
CREATE INDEX t_v ON t (lower(v));
INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 500) AS i;
