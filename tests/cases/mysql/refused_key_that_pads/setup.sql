-- The new collation of the key ignores blanks at the end, which the old one does not.
CREATE TABLE t (k varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci PRIMARY KEY, n int);
INSERT INTO t VALUES ('a', 1), ('a ', 2), ('b', 3);
