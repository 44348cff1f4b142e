-- Numbers at their ends: written by the copy and by changes, they come out as they were.
CREATE TABLE samples (
    s integer PRIMARY KEY,
    i2 smallint,
    i4 integer,
    i8 bigint,
    n numeric,
    n20_5 numeric(20,5),
    f4 real,
    f8 double precision,
    m money,
    o oid,
    b boolean
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, -32768, -2147483648, -9223372036854775808, 'NaN', 999999999999999.99999, 'NaN', 'NaN', '-92233720368547758.08', 0, true),
    (3, 32767, 2147483647, 9223372036854775807, 'Infinity', -0.00001, 'Infinity', 'Infinity', '92233720368547758.07', 4294967295, false),
    (4, 0, 0, 0, '-Infinity', 'NaN', '-Infinity', '-Infinity', '0.01', 0, true),
    (5, -32768, -2147483648, -9223372036854775808, ('1' || repeat('0', 999))::numeric, 0.10000, '-0', '-0', '-92233720368547758.08', 4294967295, false),
    (6, 32767, 2147483647, 9223372036854775807, ('-0.' || repeat('0', 400) || '123456789')::numeric, 999999999999999.99999, '1.4e-45', '4.9406564584124654e-324', '92233720368547758.07', 0, true),
    (7, 0, 0, 0, '1.500000000000000000000000', -0.00001, '3.4028235e38', '1.7976931348623157e308', '0.01', 4294967295, false),
    (8, -32768, -2147483648, -9223372036854775808, 'NaN', 'NaN', '0.1', '0.1', '-92233720368547758.08', 0, true),
    (9, 32767, 2147483647, 9223372036854775807, 'Infinity', 0.10000, 'NaN', 0.30000000000000004, '92233720368547758.07', 4294967295, false);
CREATE TABLE t (
    id integer PRIMARY KEY,
    small smallint,
    i2 smallint,
    i4 integer,
    i8 bigint,
    n numeric,
    n20_5 numeric(20,5),
    f4 real,
    f8 double precision,
    m money,
    o oid,
    b boolean
);
INSERT INTO t SELECT k, k % 7, i2, i4, i8, n, n20_5, f4, f8, m, o, b
FROM generate_series(1, 200) AS k JOIN samples ON s = 1 + k % 9;
