-- A column goes, with the index that was on it; a column dropped long ago leaves a gap in the numbers.
CREATE TABLE t (gone integer, id integer PRIMARY KEY, old text, v text);
ALTER TABLE t DROP COLUMN gone;
CREATE INDEX t_old ON t (old);
CREATE INDEX t_v ON t (v);
INSERT INTO t SELECT i, 'old ' || i, 'row ' || i FROM generate_series(1, 500) AS i;
