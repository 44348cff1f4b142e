-- One value in the middle is no number.
CREATE TABLE t (id integer PRIMARY KEY, code text);
INSERT INTO t SELECT i, i::text FROM generate_series(1, 500) AS i;
UPDATE t SET code = 'n/a' WHERE id = 321;
