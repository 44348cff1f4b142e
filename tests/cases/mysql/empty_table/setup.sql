-- No row at all.
CREATE TABLE t (id int PRIMARY KEY, n int);
