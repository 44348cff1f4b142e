-- JSON of MariaDB is text, with the check that comes with it, and keeps every blank.
CREATE TABLE samples (
    s int PRIMARY KEY,
    j json,
    j2 json DEFAULT '{}'
);
INSERT INTO samples VALUES
    (1, NULL, NULL),
    (2, 'null', '0'),
    (3, 'true', '-1'),
    (4, 'false', '9223372036854775807'),
    (5, '0', '18446744073709551615'),
    (6, '-1', '-9223372036854775808'),
    (7, '9223372036854775807', '1.5'),
    (8, '18446744073709551615', '1e-300'),
    (9, '-9223372036854775808', '""'),
    (10, '1.5', '"text ä€😀 \\\\ \\" \\u0000 \\n"'),
    (11, '1e-300', '[]'),
    (12, '""', '{}'),
    (13, '"text ä€😀 \\\\ \\" \\u0000 \\n"', '{"a": {"b": {"c": [1, 2, {"d": null}]}}}'),
    (14, '[]', '[[[[[[]]]]]]'),
    (15, '{}', '{"": 1, " ": 2, "ä": 3, "a.b": 4, "$": 5}'),
    (16, '{"a": {"b": {"c": [1, 2, {"d": null}]}}}', 'null'),
    (17, '[[[[[[]]]]]]', 'true'),
    (18, '{"": 1, " ": 2, "ä": 3, "a.b": 4, "$": 5}', 'false'),
    (19, '{"b":1,  "a" : 2, "a": 3}', ' [1 ,2] ');
CREATE TABLE t (
    id int PRIMARY KEY,
    small smallint,
    j json,
    j2 json DEFAULT '{}'
);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 120)
SELECT i, i % 7, j, j2 FROM series JOIN samples ON s = 1 + i % 19;
