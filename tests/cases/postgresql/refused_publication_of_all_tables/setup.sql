-- A publication FOR ALL TABLES would publish the ghost while it is filled.
CREATE TABLE t (a int PRIMARY KEY, b int);
CREATE PUBLICATION everything FOR ALL TABLES;
