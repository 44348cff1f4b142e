-- The key holds bytes and an enum whose order is not that of its labels.
CREATE TYPE mood AS ENUM ('z', 'm');
ALTER TYPE mood ADD VALUE 'a' BEFORE 'm';
CREATE TABLE t (a mood, b bytea, n integer, PRIMARY KEY (a, b));
INSERT INTO t SELECT (ARRAY['z', 'm', 'a'])[1 + i % 3]::mood, decode(md5(i::text), 'hex'), i FROM generate_series(1, 500) AS i;
