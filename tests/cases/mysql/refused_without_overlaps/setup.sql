-- A unique key without overlaps in time: refused, or carried over.
CREATE TABLE t (id int, a date, b date, n int, PERIOD FOR p (a, b), PRIMARY KEY (id, p WITHOUT OVERLAPS));
INSERT INTO t VALUES (1, '2020-01-01', '2021-01-01', 1);
