-- Refused: the role may not alter the table.
CREATE TABLE t (id integer PRIMARY KEY, n integer);
INSERT INTO t VALUES (1, 1);
GRANT ALL ON t TO case_stranger;
