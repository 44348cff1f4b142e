-- Refused: it inherits from another table.
CREATE TABLE parent (id integer, n integer);
CREATE TABLE t (PRIMARY KEY (id)) INHERITS (parent);
INSERT INTO t VALUES (1, 1);
