-- Dates and times at their ends, before Christ, infinite, and in odd zones.
CREATE TABLE samples (
    s integer PRIMARY KEY,
    d date,
    tm time,
    tz timetz,
    ts timestamp,
    tt timestamptz,
    ts0 timestamp(0),
    i interval,
    iy interval year to month
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, 'infinity', '00:00:00', '00:00:00+15:59', 'infinity', 'infinity', '2000-01-01 00:00:01', '178000000 years', '3 years 2 mons'),
    (3, '-infinity', '24:00:00', '24:00:00-15:59:59', '-infinity', '-infinity', 'infinity', '-178000000 years', '-1 mons'),
    (4, '4713-01-01 BC', '23:59:59.999999', '12:30:00.5+05:30:15', '4713-11-24 00:00:00 BC', '4713-11-24 00:00:00+00 BC', '2000-01-01 00:00:01', '1 mon -1 days +00:00:00.000001', '3 years 2 mons'),
    (5, '5874897-12-31', '00:00:00', '00:00:00+15:59', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00', 'infinity', '-0.000001 s', '-1 mons'),
    (6, '2000-02-29', '24:00:00', '24:00:00-15:59:59', '1582-10-10 10:10:10', '1883-11-18 12:03:58+00', '2000-01-01 00:00:01', '00:00:00', '3 years 2 mons'),
    (7, 'infinity', '23:59:59.999999', '12:30:00.5+05:30:15', 'infinity', '2024-03-31 01:30:00+00', 'infinity', '1 year 2 mons 3 days 04:05:06.789', '-1 mons');
CREATE TABLE t (
    id integer PRIMARY KEY,
    small smallint,
    d date,
    tm time,
    tz timetz,
    ts timestamp,
    tt timestamptz,
    ts0 timestamp(0),
    i interval,
    iy interval year to month
);
INSERT INTO t SELECT k, k % 7, d, tm, tz, ts, tt, ts0, i, iy
FROM generate_series(1, 200) AS k JOIN samples ON s = 1 + k % 7;
