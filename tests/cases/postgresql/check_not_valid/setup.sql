-- A check that is NOT VALID, with rows that violate it: they stay, and the check stays as it is.
CREATE TABLE t (id integer PRIMARY KEY, n integer, v text, CONSTRAINT valid CHECK (id < 100000) NO INHERIT);
INSERT INTO t SELECT i, i, NULLIF('v' || i % 10, 'v0') FROM generate_series(1, 300) AS i;
ALTER TABLE t ADD CONSTRAINT n_small CHECK (n < 200) NOT VALID, ADD CONSTRAINT v_there CHECK (v IS NOT NULL) NOT VALID;
