-- The new collation takes two values of a unique column for one.
CREATE TABLE t (id int PRIMARY KEY, u varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, UNIQUE KEY u (u));
INSERT INTO t VALUES (1, 'a'), (2, 'A');
