-- Enums, domains, composites, ranges and multiranges, also of one another and in other schemas.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'so so', 'it''s, "ok"');
CREATE DOMAIN percent AS numeric(5,2) CHECK (VALUE BETWEEN 0 AND 100);
CREATE SCHEMA "Odd Schema";
CREATE DOMAIN "Odd Schema"."Odd Domain" AS varchar(5) COLLATE "C";
CREATE TYPE pair AS (a integer, b text);
CREATE TYPE nested AS (p pair, m mood[]);
CREATE TYPE floatrange AS RANGE (subtype = double precision, subtype_diff = float8mi);
CREATE DOMAIN positive_pairs AS pair[] CHECK (cardinality(VALUE) < 5);
CREATE TABLE samples (
    s integer PRIMARY KEY,
    e mood,
    d percent,
    dn "Odd Schema"."Odd Domain",
    p pair,
    pp nested,
    ir int4range,
    nr numrange,
    tr tstzrange,
    dr daterange,
    fr floatrange,
    im int8multirange,
    tm tsmultirange,
    dp positive_pairs
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, 'sad', 0, 'x', ROW(1,'a,"b"\c'), ROW(ROW(1,'x)'),ARRAY['sad','so so']::mood[]), 'empty', 'empty', '[-infinity,infinity]', '[2024-02-28,2024-03-01]', '[0.1,0.30000000000000004]', '{}', '{[2024-01-01,2024-01-02),[2024-02-01,infinity]}', ARRAY[ROW(1,'a')::pair]),
    (3, 'so so', 100, '', ROW(NULL,NULL), ROW(NULL,NULL), '(,)', '(-Infinity,1.50]', '("2024-01-01 00:00:00+00",)', 'empty', '(,NaN)', '{[1,3),[7,9)}', '{}', '{}'),
    (4, 'it''s, "ok"', 50.50, 'x', ROW(0,''), ROW(ROW(1,'x)'),ARRAY['sad','so so']::mood[]), '[1,5)', '[1,)', 'empty', '[2024-02-28,2024-03-01]', '[0.1,0.30000000000000004]', '{(,)}', '{[2024-01-01,2024-01-02),[2024-02-01,infinity]}', ARRAY[ROW(1,'a')::pair]),
    (5, 'sad', 0, '', ROW(1,'a,"b"\c'), ROW(NULL,NULL), '[-2147483648,2147483647)', 'empty', '[-infinity,infinity]', 'empty', '(,NaN)', '{}', '{}', '{}');
CREATE TABLE t (
    id integer PRIMARY KEY,
    small smallint,
    e mood,
    d percent,
    dn "Odd Schema"."Odd Domain",
    p pair,
    pp nested,
    ir int4range,
    nr numrange,
    tr tstzrange,
    dr daterange,
    fr floatrange,
    im int8multirange,
    tm tsmultirange,
    dp positive_pairs
);
INSERT INTO t SELECT k, k % 7, e, d, dn, p, pp, ir, nr, tr, dr, fr, im, tm, dp
FROM generate_series(1, 200) AS k JOIN samples ON s = 1 + k % 5;
