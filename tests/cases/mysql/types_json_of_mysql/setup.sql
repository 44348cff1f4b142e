-- JSON keeps the types of its scalars: decimals, dates, times, big unsigned numbers, bytes, doubles without a fraction.
SET group_concat_max_len = 100000;
CREATE TABLE samples (
    s int PRIMARY KEY,
    j json,
    j2 json
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
    (16, '{"a": {"b": {"c": [1, 2, {"d": null}]}}}', JSON_ARRAY(CAST(1.50 AS DECIMAL(10,2)), CAST(-0.000000001 AS DECIMAL(20,9)), 99999999999999999999999999999999999999999999999999.999)),
    (17, '[[[[[[]]]]]]', JSON_ARRAY(CAST('2024-02-29' AS DATE), CAST('12:34:56.789' AS TIME(3)), CAST('2024-02-29 12:34:56.123456' AS DATETIME(6)), CAST('-838:59:59' AS TIME))),
    (18, '{"": 1, " ": 2, "ä": 3, "a.b": 4, "$": 5}', JSON_OBJECT('t', TIMESTAMP('1999-12-31 23:59:59'), 'y', CAST(2024 AS YEAR))),
    (19, JSON_ARRAY(CAST(1.50 AS DECIMAL(10,2)), CAST(-0.000000001 AS DECIMAL(20,9)), 99999999999999999999999999999999999999999999999999.999), JSON_ARRAY(CAST(X'00FF80' AS BINARY), b'1010', CAST(18446744073709551615 AS UNSIGNED), 1e0, 1.0, -0e0, 3, 3.0e0)),
    (20, JSON_ARRAY(CAST('2024-02-29' AS DATE), CAST('12:34:56.789' AS TIME(3)), CAST('2024-02-29 12:34:56.123456' AS DATETIME(6)), CAST('-838:59:59' AS TIME)), JSON_ARRAY(ST_GeomFromText('POINT(1 2)'))),
    (21, JSON_OBJECT('t', TIMESTAMP('1999-12-31 23:59:59'), 'y', CAST(2024 AS YEAR)), CAST(CONCAT('[', REPEAT('"0123456789",', 9000), '0]') AS JSON)),
    (22, JSON_ARRAY(CAST(X'00FF80' AS BINARY), b'1010', CAST(18446744073709551615 AS UNSIGNED), 1e0, 1.0, -0e0, 3, 3.0e0), CAST(CONCAT('{', (SELECT GROUP_CONCAT('"k', i, '":', i) FROM (WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 120) SELECT i FROM s) x), '}') AS JSON)),
    (23, JSON_ARRAY(ST_GeomFromText('POINT(1 2)')), JSON_ARRAY(2147483648, -2147483649, 32768, -32769, 65536, 4294967296, 1.7976931348623157e308, 4.9e-324)),
    (24, CAST(CONCAT('[', REPEAT('"0123456789",', 9000), '0]') AS JSON), 'null'),
    (25, CAST(CONCAT('{', (SELECT GROUP_CONCAT('"k', i, '":', i) FROM (WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 120) SELECT i FROM s) x), '}') AS JSON), 'true'),
    (26, JSON_ARRAY(2147483648, -2147483649, 32768, -32769, 65536, 4294967296, 1.7976931348623157e308, 4.9e-324), 'false');
CREATE TABLE t (
    id int PRIMARY KEY,
    small smallint,
    j json,
    j2 json
);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 120)
SELECT i, i % 7, j, j2 FROM series JOIN samples ON s = 1 + i % 26;
