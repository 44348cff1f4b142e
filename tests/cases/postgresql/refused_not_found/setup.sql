-- Refused: there is no such table.
CREATE TABLE another (id integer PRIMARY KEY, n integer);
