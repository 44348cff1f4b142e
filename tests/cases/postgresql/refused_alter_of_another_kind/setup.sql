-- Nothing but the shape of this table can be changed.
CREATE TABLE t (a int PRIMARY KEY, b int);
