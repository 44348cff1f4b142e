-- The replica identity is another unique index than the primary key.
CREATE TABLE t (id integer PRIMARY KEY, code text NOT NULL, n integer);
CREATE UNIQUE INDEX t_code ON t (code);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_code;
INSERT INTO t SELECT i, 'code ' || i, i FROM generate_series(1, 500) AS i;
