-- Large values in every kind of storage, and updates that leave them alone: an unchanged large value is not in the log.
CREATE TABLE t (id integer PRIMARY KEY, n integer, p text, m text, x text, e text, j jsonb, b bytea);
ALTER TABLE t ALTER p SET STORAGE PLAIN, ALTER m SET STORAGE MAIN, ALTER x SET STORAGE EXTENDED, ALTER e SET STORAGE EXTERNAL,
    ALTER b SET STORAGE EXTERNAL;
CREATE FUNCTION long_text(seed bigint, length integer) RETURNS text IMMUTABLE LANGUAGE sql
    AS $$ SELECT string_agg(md5((seed * 1000 + i)::text), '') FROM generate_series(1, length / 32) AS i $$;
INSERT INTO t SELECT i, i, long_text(i, 1000), long_text(i, 3000), long_text(i, 6000), long_text(i, 6000),
    jsonb_build_object('a', long_text(i, 5000)), decode(long_text(i, 4000), 'hex') FROM generate_series(1, 150) AS i;
