-- Types that the server uses itself and that tables can have too.
CREATE TABLE samples (
    sample integer PRIMARY KEY,
    l pg_lsn,
    s pg_snapshot,
    x xid,
    x8 xid8,
    ti tid,
    rt regtype,
    rc regclass,
    rn regnamespace,
    iv int2vector,
    ov oidvector,
    rf refcursor
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, '0/0', '10:20:10,14,15', '0', '0', '(0,0)', 'integer', 'pg_catalog.pg_class', 'pg_catalog', '1 2 3', '1 4294967295', 'c'),
    (3, 'FFFFFFFF/FFFFFFFF', '1:1:', '4294967295', '18446744073709551615', '(4294967295,65535)', 'timestamp with time zone[]', 'pg_type', 'public', '', '', ''),
    (4, '0/0', '10:20:10,14,15', '0', '0', '(0,0)', 0, 'pg_catalog.pg_class', 'pg_catalog', '1 2 3', '1 4294967295', 'c');
CREATE TABLE t (
    id integer PRIMARY KEY,
    small smallint,
    l pg_lsn,
    s pg_snapshot,
    x xid,
    x8 xid8,
    ti tid,
    rt regtype,
    rc regclass,
    rn regnamespace,
    iv int2vector,
    ov oidvector,
    rf refcursor
);
INSERT INTO t SELECT k, k % 7, l, s, x, x8, ti, rt, rc, rn, iv, ov, rf
FROM generate_series(1, 200) AS k JOIN samples ON sample = 1 + k % 4;
