-- Everything that ALTER TABLE can set on how a table and its columns are stored.
CREATE TABLE t (id integer PRIMARY KEY WITH (fillfactor = 71), n integer, a text COMPRESSION pglz, b text COMPRESSION lz4, c jsonb)
    WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.03, toast.autovacuum_enabled = false, toast_tuple_target = 1024, parallel_workers = 3);
ALTER TABLE t ALTER a SET STORAGE EXTERNAL, ALTER b SET STORAGE MAIN, ALTER c SET STATISTICS 321,
    ALTER n SET (n_distinct = -0.5, n_distinct_inherited = 10);
CREATE INDEX t_n ON t (n) WITH (fillfactor = 60, deduplicate_items = off);
CREATE INDEX t_c ON t USING gin (c) WITH (fastupdate = off);
CREATE INDEX t_brin ON t USING brin (id) WITH (pages_per_range = 16);
CREATE INDEX t_expression ON t ((n + 1), lower(a));
ALTER INDEX t_expression ALTER COLUMN 2 SET STATISTICS 55;
INSERT INTO t SELECT i, i, 'a' || i, repeat('b', i), jsonb_build_object('i', i) FROM generate_series(1, 300) AS i;
