-- An exclusion constraint: bookings of one room must not overlap, and writers move them about.
CREATE EXTENSION btree_gist;
CREATE TABLE t (id integer PRIMARY KEY, n integer, room integer, during int4range,
    CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (n >= 0) DEFERRABLE);
INSERT INTO t SELECT i, i, i % 5, int4range(i * 10, i * 10 + 10) FROM generate_series(1, 300) AS i;
