-- The table is in publications, with a column list and a row filter.
CREATE TABLE t (id integer PRIMARY KEY, n integer, v text);
CREATE TABLE other (id integer PRIMARY KEY);
CREATE PUBLICATION plain FOR TABLE t, other;
CREATE PUBLICATION chosen FOR TABLE t (id, v) WHERE (id > 10 AND v <> '') WITH (publish = 'insert');
CREATE PUBLICATION by_schema FOR TABLES IN SCHEMA public;
CREATE PUBLICATION unrelated FOR TABLE other;
ALTER PUBLICATION plain OWNER TO postgres;
INSERT INTO t SELECT i, i, 'row ' || i FROM generate_series(1, 300) AS i;
