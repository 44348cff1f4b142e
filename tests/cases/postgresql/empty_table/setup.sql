-- There is no row at all.
CREATE TABLE t (id integer PRIMARY KEY, v text);
