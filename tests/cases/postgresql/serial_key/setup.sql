-- A serial column: its sequence is owned by the column, and stays so.
CREATE TABLE t (id serial PRIMARY KEY, v text);
CREATE SEQUENCE elsewhere OWNED BY t.v;
INSERT INTO t (v) SELECT 'row ' || i FROM generate_series(1, 300) AS i;
GRANT USAGE ON SEQUENCE t_id_seq TO case_writer;
