-- MATCH FULL: a key that is half NULL is one that has no parent, though every whole one has.
CREATE SCHEMA "Other ""Place""";
CREATE TABLE "Other ""Place"""."The Parent" ("A b" int, c text, PRIMARY KEY ("A b", c));
INSERT INTO "Other ""Place"""."The Parent" SELECT i, 'p' || i FROM generate_series(1, 100) i;
CREATE TABLE t (id int PRIMARY KEY, "x Y" int, z text);
INSERT INTO t SELECT i, i, 'p' || i FROM generate_series(1, 100) i;
INSERT INTO t VALUES (101, NULL, NULL), (102, 5, NULL);
