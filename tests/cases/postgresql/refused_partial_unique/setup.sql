-- Refused: the only unique index holds some rows.
CREATE TABLE t (id integer NOT NULL, n integer);
CREATE UNIQUE INDEX ON t (id) WHERE id > 0;
INSERT INTO t VALUES (1, 1), (-1, 2), (-1, 3);
