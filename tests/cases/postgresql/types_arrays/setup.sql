-- Arrays: empty, with NULLs, many dimensions, other lower bounds, elements that need quotes.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'so so');
CREATE TYPE pair AS (a integer, b text);
CREATE TABLE samples (
    s integer PRIMARY KEY,
    ia integer[],
    xa text[],
    ba bytea[],
    na numeric(10,2)[],
    ta timestamptz[],
    bx box[],
    ja jsonb[],
    fa double precision[],
    ea mood[],
    pa pair[]
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, '{}', '{}', ARRAY['\x00'::bytea, '\x5c', NULL], '{NaN,1.50,NULL}', '{infinity,2024-01-01 00:00:00+00,NULL}', '{(2,2),(1,1);(4,4),(3,3)}', ARRAY['{"a": "b,c"}'::jsonb, NULL, 'null'], '{NaN,-0,Infinity,0.1}', '{ok,"so so",NULL}', ARRAY[ROW(1,'a,"b"')::pair, NULL, ROW(NULL,NULL)::pair]),
    (3, '{1,NULL,3}', ARRAY['', 'NULL', NULL, 'a,b', '"q"', '{x}', E'back\\slash', E'new\nline'], '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'),
    (4, '{{1,2},{3,4}}', '{{{a},{b}}}', ARRAY['\x00'::bytea, '\x5c', NULL], '{NaN,1.50,NULL}', '{infinity,2024-01-01 00:00:00+00,NULL}', '{(2,2),(1,1);(4,4),(3,3)}', ARRAY['{"a": "b,c"}'::jsonb, NULL, 'null'], '{NaN,-0,Infinity,0.1}', '{ok,"so so",NULL}', ARRAY[ROW(1,'a,"b"')::pair, NULL, ROW(NULL,NULL)::pair]),
    (5, '[-1:1]={7,8,9}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}');
CREATE TABLE t (
    id integer PRIMARY KEY,
    small smallint,
    ia integer[],
    xa text[],
    ba bytea[],
    na numeric(10,2)[],
    ta timestamptz[],
    bx box[],
    ja jsonb[],
    fa double precision[],
    ea mood[],
    pa pair[]
);
INSERT INTO t SELECT k, k % 7, ia, xa, ba, na, ta, bx, ja, fa, ea, pa
FROM generate_series(1, 200) AS k JOIN samples ON s = 1 + k % 5;
