-- A role that may read the table, but neither owns it nor may replicate: every reason is told at once.
CREATE TABLE t (a int PRIMARY KEY, b int);
INSERT INTO t VALUES (1, 1);
GRANT SELECT ON t TO case_stranger;
