-- A stored generated column is computed anew for copied and for changed rows: the log does not hold it.
CREATE TABLE t (id integer PRIMARY KEY, n integer, a integer, b integer GENERATED ALWAYS AS (a * 2) STORED, c text GENERATED ALWAYS AS ('<' || a || '>') STORED);
CREATE INDEX t_b ON t (b);
INSERT INTO t SELECT i, i, i * 5 FROM generate_series(1, 500) AS i;
