-- The key is numeric: 1.0 and 1.00 are one key, and NaN and infinity are keys as well.
CREATE TABLE t (id numeric PRIMARY KEY, n integer);
INSERT INTO t SELECT i / 10.0, i FROM generate_series(-300, 300) AS i;
INSERT INTO t VALUES ('NaN', 1), ('Infinity', 2), ('-Infinity', 3), (1e400, 4);
