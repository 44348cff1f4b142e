-- A period for time of a MariaDB table.
CREATE TABLE t (id int PRIMARY KEY, a date, b date, n int, PERIOD FOR p (a, b));
INSERT INTO t VALUES (1, '2020-01-01', '2021-01-01', 1);
