-- Indexes: partial, on expressions, with included columns, descending, operator classes, collations, each access method, NULLS NOT DISTINCT.
CREATE TABLE t (id integer PRIMARY KEY, n integer, v text, r int4range, p point, j jsonb, a integer[]);
CREATE UNIQUE INDEX t_partial ON t (n) WHERE v <> 'x' AND n IS NOT NULL;
CREATE INDEX t_expression ON t (lower(v), (n + id) DESC NULLS LAST);
CREATE UNIQUE INDEX t_include ON t (id DESC) INCLUDE (n, v);
CREATE INDEX t_opclass ON t (v text_pattern_ops, v COLLATE "C" DESC);
CREATE INDEX t_hash ON t USING hash (v);
CREATE INDEX t_gin ON t USING gin (j jsonb_path_ops, a);
CREATE INDEX t_gist ON t USING gist (r, p);
CREATE INDEX t_spgist ON t USING spgist (p kd_point_ops);
CREATE INDEX t_brin ON t USING brin (id int4_minmax_multi_ops (values_per_range = 16), v) WITH (autosummarize = on);
CREATE UNIQUE INDEX t_nulls ON t (n, v) NULLS NOT DISTINCT;
INSERT INTO t SELECT i, i, 'row ' || i, int4range(i, i + 5), point(i, -i), jsonb_build_object('i', i), ARRAY[i, i % 7] FROM generate_series(1, 300) AS i;
