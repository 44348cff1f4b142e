-- No row at first; writers put the first ones in.
CREATE TABLE t (id int PRIMARY KEY, n int);
