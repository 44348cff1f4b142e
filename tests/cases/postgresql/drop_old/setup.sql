-- The old table is not kept; what was made for the table goes on.
CREATE TABLE t (id serial PRIMARY KEY, n integer);
CREATE VIEW v AS SELECT id FROM t;
INSERT INTO t (n) SELECT i FROM generate_series(1, 300) AS i;
