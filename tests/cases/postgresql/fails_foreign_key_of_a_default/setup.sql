-- The new column's default has no parent.
CREATE TABLE region (name text PRIMARY KEY);
INSERT INTO region VALUES ('eu');
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t SELECT i FROM generate_series(1, 100) i;
