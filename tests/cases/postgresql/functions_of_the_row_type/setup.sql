-- Functions written in SQL and PL/pgSQL read and write the table by its name.
CREATE TABLE t (id integer PRIMARY KEY, n integer, v text);
INSERT INTO t SELECT i, i, 'row ' || i FROM generate_series(1, 300) AS i;
CREATE FUNCTION total() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM t';
CREATE FUNCTION put(i integer) RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (i, i, 'put'); END $$;
