-- JSON as it was written, jsonb, XML, text search, paths.
CREATE TABLE samples (
    s integer PRIMARY KEY,
    j json,
    jb jsonb,
    x xml,
    tv tsvector,
    tq tsquery,
    jp jsonpath
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, '{"a" : 1,  "a":2}', '{"b": [1, 2.50, null], "a": {"x": "\"q\""}}', '<a b="c">d &amp; e</a>', 'a:1A fat:2B,4C cat:5D', 'fat & (rat | !cat:ab)', '$.a[*] ? (@.b > 1)'),
    (3, 'null', 'null', 'text &lt; only', '', 'super:*', 'strict $'),
    (4, '[]', '12345678901234567890.1234567890123456789', '<?xml version="1.0"?><r/>', '''it''''s'' ''b\c''', 'a <-> b', '$.a[*] ? (@.b > 1)'),
    (5, '"\u00e9"', '""', '<a b="c">d &amp; e</a>', 'a:1A fat:2B,4C cat:5D', 'fat & (rat | !cat:ab)', 'strict $'),
    (6, '12345678901234567890.123456789012345678901234567890', '{}', 'text &lt; only', '', 'super:*', '$.a[*] ? (@.b > 1)');
CREATE TABLE t (
    id integer PRIMARY KEY,
    small smallint,
    j json,
    jb jsonb,
    x xml,
    tv tsvector,
    tq tsquery,
    jp jsonpath
);
INSERT INTO t SELECT k, k % 7, j, jb, x, tv, tq, jp
FROM generate_series(1, 200) AS k JOIN samples ON s = 1 + k % 6;
