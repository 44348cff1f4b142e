-- A view with everything a view can have; it shows the new table afterwards, whatever was written to it.
CREATE TABLE t (id integer PRIMARY KEY, n integer, v text);
CREATE VIEW later WITH (security_barrier, check_option = 'cascaded') AS SELECT id, v FROM t WHERE id > 10;
ALTER VIEW later ALTER COLUMN v SET DEFAULT 'by the view';
COMMENT ON VIEW later IS 'a view';
COMMENT ON COLUMN later.v IS 'a column of a view';
GRANT SELECT, INSERT ON later TO case_reader WITH GRANT OPTION;
GRANT UPDATE (v) ON later TO case_writer;
ALTER VIEW later OWNER TO case_owner;
GRANT ALL ON t TO case_owner;
INSERT INTO t SELECT i, i, 'row ' || i FROM generate_series(1, 300) AS i;
