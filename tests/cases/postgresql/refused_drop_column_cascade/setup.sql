-- Refused: a column is to go together with the view that shows it.
CREATE TABLE t (id integer PRIMARY KEY, old text, v varchar(20));
CREATE VIEW shows_old AS SELECT id, old FROM t;
INSERT INTO t SELECT i, 'old ' || i, 'row ' || i FROM generate_series(1, 100) AS i;
