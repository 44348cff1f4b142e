-- What the storage engine does to rows because of a foreign key is not in the log.
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p int, CONSTRAINT gone FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE,
    CONSTRAINT follows FOREIGN KEY (p) REFERENCES parent (id) ON UPDATE SET NULL);
