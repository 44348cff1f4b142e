-- The key is a uuid.
CREATE TABLE t (id uuid PRIMARY KEY, n integer);
INSERT INTO t SELECT md5(i::text)::uuid, i FROM generate_series(1, 500) AS i;
