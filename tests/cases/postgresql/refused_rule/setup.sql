-- Rules are not carried over.
CREATE TABLE t (a int PRIMARY KEY, b int);
CREATE TABLE log (a int);
CREATE RULE noted AS ON DELETE TO t DO ALSO INSERT INTO log VALUES (OLD.a);
