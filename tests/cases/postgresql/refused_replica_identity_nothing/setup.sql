-- Refused: the replica identity is nothing, so updates and deletes would be lost.
CREATE TABLE t (id integer PRIMARY KEY, n integer);
INSERT INTO t VALUES (1, 1);
ALTER TABLE t REPLICA IDENTITY NOTHING;
