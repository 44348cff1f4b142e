-- Refused: a table in the schema that seachange uses itself.
CREATE TABLE t (id integer PRIMARY KEY);
