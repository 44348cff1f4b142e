-- The new collation of the key takes two keys for one: no row may be lost silently.
CREATE TABLE t (k varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, n int);
INSERT INTO t VALUES ('a', 1), ('A', 2), ('b', 3);
