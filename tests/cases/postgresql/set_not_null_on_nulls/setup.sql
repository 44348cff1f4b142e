-- One value is NULL.
CREATE TABLE t (id integer PRIMARY KEY, v text);
INSERT INTO t SELECT i, NULLIF(i, 300) || 'x' FROM generate_series(1, 500) AS i;
