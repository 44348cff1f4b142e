-- A foreign key that was never validated stays so, with rows that violate it.
CREATE TABLE parent (a int PRIMARY KEY);
CREATE TABLE t (a int PRIMARY KEY, b int);
INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i;
ALTER TABLE t ADD CONSTRAINT to_parent FOREIGN KEY (b) REFERENCES parent NOT VALID;
