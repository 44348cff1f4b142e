-- There is no primary key: the replica identity is a unique index on columns that are not null.
CREATE TABLE t (id integer NOT NULL, n integer, v text);
CREATE UNIQUE INDEX t_id ON t (id);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_id;
INSERT INTO t SELECT i, i, 'v' FROM generate_series(1, 500) AS i;
