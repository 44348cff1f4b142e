-- Writers move rows to other keys, into ranges that were copied and out of them, while the big column stays unchanged in TOAST.
CREATE TABLE t (id integer PRIMARY KEY, n integer NOT NULL, big text);
ALTER TABLE t ALTER COLUMN big SET STORAGE EXTERNAL;
INSERT INTO t SELECT i * 10, i, repeat(i::text || '.', 2000) FROM generate_series(1, 500) AS i;
