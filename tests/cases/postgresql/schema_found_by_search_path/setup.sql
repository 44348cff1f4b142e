-- The table is given without its schema and found by the database's search path; a table of the same name is elsewhere.
CREATE SCHEMA shop;
CREATE SCHEMA other;
CREATE TABLE shop.orders (id integer PRIMARY KEY, n integer);
CREATE TABLE other.orders (id integer PRIMARY KEY, n integer);
INSERT INTO shop.orders SELECT i, i FROM generate_series(1, 100) AS i;
INSERT INTO other.orders SELECT i, -i FROM generate_series(1, 100) AS i;
