-- Refused: a view is not a table.
CREATE TABLE base (id integer PRIMARY KEY, n integer);
INSERT INTO base VALUES (1, 1);
CREATE VIEW t AS SELECT * FROM base;
