-- A tree: the table's foreign key refers to the table itself.
CREATE TABLE t (id integer PRIMARY KEY, parent integer REFERENCES t ON DELETE CASCADE, name text);
CREATE INDEX ON t (parent);
INSERT INTO t SELECT i, NULLIF(i / 2, 0), 'node ' || i FROM generate_series(1, 600) AS i;
