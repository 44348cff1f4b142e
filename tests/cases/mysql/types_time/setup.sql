-- Dates and times with each number of fractional digits, at their ends, negative and long times.
SET time_zone = '+00:00';
CREATE TABLE samples (
    s int PRIMARY KEY,
    d date,
    t0 time,
    t1 time(1),
    t3 time(3),
    t6 time(6),
    dt0 datetime,
    dt2 datetime(2),
    dt5 datetime(5),
    dt6 datetime(6),
    ts0 timestamp NULL,
    ts3 timestamp(3) NULL,
    ts6 timestamp(6) NULL,
    y year
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, '1000-01-01', '-838:59:59', '-838:59:59.0', '-838:59:58.999', '-838:59:58.999999', '1000-01-01 00:00:00', '1000-01-01 00:00:00.00', '1000-01-01', '1000-01-01 00:00:00.000001', '1970-01-01 00:00:01', '1970-01-01 00:00:01.000', '1970-01-01 00:00:01.000001', 1901),
    (3, '9999-12-31', '838:59:59', '838:59:59.0', '838:59:58.999', '838:59:58.999999', '9999-12-31 23:59:59', '9999-12-31 23:59:59.99', '9999-12-31 23:59:59.99999', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', '2038-01-19 03:14:07.999', '2038-01-19 03:14:07.999999', 2155),
    (4, '2026-02-28', '-00:00:01', '-00:00:00.1', '-00:00:00.001', '-00:00:00.000001', '2024-02-29 12:34:56', '2024-02-29 12:34:56.70', '2024-02-29 12:34:56.00001', '2024-02-29 12:34:56.100000', '2026-03-29 02:30:00', '2026-10-25 02:30:00.500', '2001-09-09 01:46:40.123456', 2000),
    (5, '0001-01-01', '00:00:00', '00:00:00.9', '23:59:59.999', '100:00:00.5', '0001-01-01 00:00:00', '2000-01-01 00:00:00.01', '1999-12-31 23:59:59.99990', '2100-06-15 08:00:00.000010', '2000-01-01 00:00:00', '1999-12-31 23:59:59.990', '2037-12-31 23:59:59.000010', 0);
CREATE TABLE t (
    id int PRIMARY KEY,
    small smallint,
    d date,
    t0 time,
    t1 time(1),
    t3 time(3),
    t6 time(6),
    dt0 datetime,
    dt2 datetime(2),
    dt5 datetime(5),
    dt6 datetime(6),
    ts0 timestamp NULL,
    ts3 timestamp(3) NULL,
    ts6 timestamp(6) NULL,
    y year
);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i % 7, d, t0, t1, t3, t6, dt0, dt2, dt5, dt6, ts0, ts3, ts6, y FROM series JOIN samples ON s = 1 + i % 5;
