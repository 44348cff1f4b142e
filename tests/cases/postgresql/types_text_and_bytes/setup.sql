-- Text and bytes: empty, blank, with every trap of quoting, long, outside the basic plane.
CREATE TABLE samples (
    s integer PRIMARY KEY,
    v10 varchar(10),
    c10 character(10),
    x text,
    ci text COLLATE "C",
    raw bytea,
    q "char",
    nm name
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, '', '', '', 'Z', '', 'a', ''),
    (3, 'ten chars!', 'trail   ', ' ', 'a', '\x00', '', 'a name'),
    (4, 'Grüße', 'ü', E'tab\tnewline\nreturn\rback\\slash', 'é', '\x5c27220a00ff', '\377'::"char", repeat('n', 63)),
    (5, 'a''b\c', ' lead', '\N', 'Z', decode(repeat('00ff10', 3000), 'hex'), 'a', ''),
    (6, '', '', 'NULL', 'a', '', '', 'a name'),
    (7, 'ten chars!', 'trail   ', '{"a",b}', 'é', '\x00', '\377'::"char", repeat('n', 63)),
    (8, 'Grüße', 'ü', '𝄞 😀 日本語', 'Z', '\x5c27220a00ff', 'a', ''),
    (9, 'a''b\c', ' lead', repeat('long ', 5000), 'a', decode(repeat('00ff10', 3000), 'hex'), '', 'a name'),
    (10, '', '', E'\u0001\u007f', 'é', '', '\377'::"char", repeat('n', 63));
CREATE TABLE t (
    id integer PRIMARY KEY,
    small smallint,
    v10 varchar(10),
    c10 character(10),
    x text,
    ci text COLLATE "C",
    raw bytea,
    q "char",
    nm name
);
INSERT INTO t SELECT k, k % 7, v10, c10, x, ci, raw, q, nm
FROM generate_series(1, 200) AS k JOIN samples ON s = 1 + k % 10;
