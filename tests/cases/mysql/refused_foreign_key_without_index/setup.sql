-- The ALTER drops the index that a foreign key needs.
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int, n int, KEY on_p (p), CONSTRAINT one FOREIGN KEY (p) REFERENCES parent (id));
