-- GENERATED ALWAYS AS IDENTITY: rows are copied with their numbers, and the sequence goes on where it was.
CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 5 CACHE 3) PRIMARY KEY, v text);
INSERT INTO t (v) SELECT 'row ' || i FROM generate_series(1, 300) AS i;
