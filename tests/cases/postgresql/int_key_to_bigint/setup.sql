-- An integer primary key runs out; it becomes bigint.
CREATE TABLE t (id integer PRIMARY KEY, v text);
INSERT INTO t SELECT i, 'row ' || i FROM generate_series(-500, 500) AS i;
INSERT INTO t VALUES (2147483647, 'the greatest'), (-2147483648, 'the least');
