-- The foreign key was there and held; USING computes values of which one has no parent.
CREATE TABLE parent (a int PRIMARY KEY);
INSERT INTO parent SELECT i FROM generate_series(1, 100) i;
CREATE TABLE t (id int PRIMARY KEY, b int, CONSTRAINT to_parent FOREIGN KEY (b) REFERENCES parent);
INSERT INTO t SELECT i, i FROM generate_series(1, 100) i;
