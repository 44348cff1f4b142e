-- One of the rows has no parent.
CREATE TABLE parent (a int PRIMARY KEY);
INSERT INTO parent SELECT i FROM generate_series(1, 999) i;
CREATE TABLE t (a int PRIMARY KEY, b int);
INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i;
