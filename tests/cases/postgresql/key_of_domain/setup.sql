-- The key is a domain over text.
CREATE DOMAIN code AS text CHECK (VALUE ~ '^c[0-9]+$');
CREATE TABLE t (id code PRIMARY KEY, n integer);
INSERT INTO t SELECT 'c' || i, i FROM generate_series(1, 500) AS i;
