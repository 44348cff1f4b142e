-- Refused: a column that a view shows gets another name. The server would rename it in the view.
CREATE TABLE t (id integer PRIMARY KEY, v text);
CREATE VIEW labels AS SELECT id, v FROM t;
INSERT INTO t VALUES (1, 'one');
