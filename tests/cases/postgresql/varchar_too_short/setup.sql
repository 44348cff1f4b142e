-- A value is longer than the new type allows.
CREATE TABLE t (id integer PRIMARY KEY, name text);
INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 500) AS i;
UPDATE t SET name = 'much too long' WHERE id = 77;
