-- The key reaches both ends of bigint.
CREATE TABLE t (id bigint PRIMARY KEY, n integer);
INSERT INTO t SELECT i * 18446744073709551::numeric - 9223372036854775808, i FROM generate_series(0, 1000) AS i;
INSERT INTO t VALUES (9223372036854775807, 1), (0, 2), (-1, 3);
