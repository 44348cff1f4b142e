-- Zero dates, dates with a zero month or day, and zero timestamps stay as they are, whatever the session's mode.
SET sql_mode = 'ALLOW_INVALID_DATES';
CREATE TABLE samples (
    s int PRIMARY KEY,
    d date,
    dt datetime,
    dt6 datetime(6),
    ts timestamp NULL,
    ts6 timestamp(6) NULL,
    nn datetime NOT NULL,
    dd date NOT NULL,
    y year
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, '0000-00-00', '0000-00-00', NULL),
    (2, '0000-00-00', '0000-00-00', '0000-00-00', '0000-00-00', '0000-00-00', '0000-00-00', '0000-00-00', 0),
    (3, '2020-00-00', '2020-00-00', '2020-00-00 10:11:12.5', '2020-01-01', '2020-01-01', '2020-00-00', '2020-00-00', 2020),
    (4, '2020-12-00', '2020-12-00 23:59:59', '2020-12-00 23:59:59.999999', '2020-01-01', '2020-01-01', '2020-12-00', '2020-12-00', 2020),
    (5, '0000-12-31', '0000-12-31 01:02:03', '0000-01-01', '2020-01-01', '2020-01-01', '2020-06-15', '2020-06-15', 2020);
CREATE TABLE t (
    id int PRIMARY KEY,
    small smallint,
    d date,
    dt datetime,
    dt6 datetime(6),
    ts timestamp NULL,
    ts6 timestamp(6) NULL,
    nn datetime NOT NULL,
    dd date NOT NULL,
    y year
);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i % 7, d, dt, dt6, ts, ts6, nn, dd, y FROM series JOIN samples ON s = 1 + i % 5;
