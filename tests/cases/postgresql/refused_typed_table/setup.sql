-- Refused: the table is of a composite type.
CREATE TYPE row_type AS (id integer, n integer);
CREATE TABLE t OF row_type (PRIMARY KEY (id));
INSERT INTO t VALUES (1, 1);
