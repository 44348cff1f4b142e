-- Bytes of each kind: fixed length with zeros at the end, blobs of the four sizes around each length of the length.
CREATE TABLE samples (
    s int PRIMARY KEY,
    b1 binary(1),
    b4 binary(4),
    b255 binary(255),
    v varbinary(10),
    v2 varbinary(300),
    tb tinyblob,
    b blob,
    mb mediumblob,
    lb longblob
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, '', '', '', '', '', '', '', '', ''),
    (3, X'00', X'00000000', X'00', X'00', X'0000', X'00', X'00', X'00', X'00'),
    (4, X'20', X'61000000', X'6100', X'6100', X'610000', X'6100', X'2020', X'0020', X'2000'),
    (5, X'FF', X'FFFEFD00', REPEAT(X'FF', 255), X'000102030405060708FF', REPEAT(X'00FF', 150), REPEAT(X'01', 255), REPEAT(X'02', 65535), REPEAT(X'03', 65536), REPEAT(X'04', 65537)),
    (6, 'a', '\\', '''', '''\\"', REPEAT('x', 255), REPEAT('y', 254), REPEAT('z', 256), REPEAT('w', 300), REPEAT(X'00', 70000)),
    (7, 'b', 'abc', 'a b ', 'end ', REPEAT('x', 256), '', REPEAT('z', 255), REPEAT('w', 255), REPEAT('v', 255)),
    (8, X'C3', X'C3A4', X'F09F9880', X'80', X'FFFF', X'E282', X'C0AF', X'EDA080', X'DEADBEEF');
CREATE TABLE t (
    id int PRIMARY KEY,
    small smallint,
    b1 binary(1),
    b4 binary(4),
    b255 binary(255),
    v varbinary(10),
    v2 varbinary(300),
    tb tinyblob,
    b blob,
    mb mediumblob,
    lb longblob
);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 60)
SELECT i, i % 7, b1, b4, b255, v, v2, tb, b, mb, lb FROM series JOIN samples ON s = 1 + i % 8;
