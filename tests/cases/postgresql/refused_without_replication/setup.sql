-- Refused: the role owns the table and may not read the log.
CREATE TABLE t (id integer PRIMARY KEY, n integer);
INSERT INTO t VALUES (1, 1);
ALTER TABLE t OWNER TO case_writer;
