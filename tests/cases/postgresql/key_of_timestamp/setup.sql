-- The key is a point in time, infinity among them.
CREATE TABLE t (id timestamptz PRIMARY KEY, n integer);
INSERT INTO t SELECT timestamptz '2024-03-31 00:30+01' + i * interval '7 minutes', i FROM generate_series(1, 500) AS i;
INSERT INTO t VALUES ('infinity', 1), ('-infinity', 2), ('4713-11-24 00:00:00+00 BC', 3);
