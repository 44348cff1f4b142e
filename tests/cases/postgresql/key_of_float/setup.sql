-- The key is a double precision number, NaN and both zeros among them.
CREATE TABLE t (id double precision PRIMARY KEY, n integer);
INSERT INTO t SELECT i / 7.0, i FROM generate_series(-300, 300) AS i WHERE i <> 0;
INSERT INTO t VALUES ('NaN', 1), ('Infinity', 2), ('-Infinity', 3), ('-0', 4);
