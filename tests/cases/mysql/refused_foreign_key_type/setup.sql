-- The ALTER gives a foreign key's column a type that does not fit.
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int, CONSTRAINT one FOREIGN KEY (p) REFERENCES parent (id));
