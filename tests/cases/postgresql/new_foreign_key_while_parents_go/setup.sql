-- Rows go, and then their parents: the new table, which is always a little behind, must not be taken for violating the new key.
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT i FROM generate_series(1, 300000) i;
CREATE SEQUENCE next_key START 200001;
CREATE TABLE t (id int PRIMARY KEY, b int);
INSERT INTO t SELECT i, i FROM generate_series(1, 200000) i;
