-- Another role owns the table; it still does afterwards, and its indexes and sequences too.
CREATE TABLE t (id serial PRIMARY KEY, n integer);
ALTER TABLE t OWNER TO case_owner;
INSERT INTO t (n) SELECT i FROM generate_series(1, 300) AS i;
