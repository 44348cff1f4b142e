-- Dates and times become longer, exact to fewer digits, and text; TIMESTAMP becomes DATETIME and back.
CREATE TABLE t (id int PRIMARY KEY, a date, b datetime, c timestamp NULL, d datetime NULL, e time, f datetime(6), g timestamp(6) NULL, h datetime(6), i time(6));
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, '2026-01-01' + INTERVAL i DAY, '2026-01-01 01:02:03' + INTERVAL i HOUR, '2026-01-01 01:02:03' + INTERVAL i HOUR, '2026-03-01 01:02:03' + INTERVAL i HOUR, SEC_TO_TIME(i * 100), '2026-01-01 23:59:59.5' + INTERVAL i MICROSECOND, '2026-01-01 01:02:03.999999', '2026-12-31 23:59:59.999999', '10:11:12.500000' FROM series;
