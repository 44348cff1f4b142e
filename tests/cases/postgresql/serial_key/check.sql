INSERT INTO t (v) VALUES ('next') RETURNING id > 300;
DROP TABLE t;
SELECT count(*) = 0 FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace;
