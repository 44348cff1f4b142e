-- A new foreign key to the table itself, and one row whose parent is not there.
CREATE TABLE t (id int PRIMARY KEY, parent int);
INSERT INTO t SELECT i, i / 2 FROM generate_series(1, 100) i;
UPDATE t SET parent = NULL WHERE id = 1;
UPDATE t SET parent = 1000 WHERE id = 70;
