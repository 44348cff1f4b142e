-- Integers of each size at their ends, signed and unsigned, BIT and YEAR.
CREATE TABLE samples (
    s int PRIMARY KEY,
    a tinyint,
    b tinyint unsigned,
    c smallint,
    d smallint unsigned,
    e mediumint,
    f mediumint unsigned,
    g int,
    h int unsigned,
    i8 bigint,
    j bigint unsigned,
    k bool,
    z int(6) unsigned zerofill,
    b1 bit,
    b7 bit(7),
    b64 bit(64),
    y year
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, -128, 0, -32768, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, 0, 0, 0, b'0', b'0', b'0', 1901),
    (3, 127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615, 1, 999999, b'1', b'1111111', 18446744073709551615, 2155),
    (4, -1, 128, -1, 32768, -1, 8388608, -1, 2147483648, -1, 9223372036854775808, 127, 42, b'1', b'1000000', 9223372036854775808, 0),
    (5, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, -128, 7, b'0', b'0000001', 255, 2026);
CREATE TABLE t (
    id int PRIMARY KEY,
    small smallint,
    a tinyint,
    b tinyint unsigned,
    c smallint,
    d smallint unsigned,
    e mediumint,
    f mediumint unsigned,
    g int,
    h int unsigned,
    i8 bigint,
    j bigint unsigned,
    k bool,
    z int(6) unsigned zerofill,
    b1 bit,
    b7 bit(7),
    b64 bit(64),
    y year
);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i % 7, a, b, c, d, e, f, g, h, i8, j, k, z, b1, b7, b64, y FROM series JOIN samples ON s = 1 + i % 5;
