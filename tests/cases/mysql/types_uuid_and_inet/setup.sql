-- UUID, INET4 and INET6 of MariaDB.
CREATE TABLE samples (
    s int PRIMARY KEY,
    u uuid,
    i4 inet4,
    i6 inet6
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL),
    (2, '00000000-0000-0000-0000-000000000000', '0.0.0.0', '::'),
    (3, 'ffffffff-ffff-ffff-ffff-ffffffffffff', '255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'),
    (4, '123e4567-e89b-12d3-a456-426655440000', '127.0.0.1', '::ffff:192.0.2.1'),
    (5, '6ccd780c-baba-1026-9564-5b8c656024db', '10.0.0.32', '2001:db8::ff00:42:8329'),
    (6, '00112233-4455-6677-8899-aabbccddee20', '32.32.32.32', '2020:2020::2020');
CREATE TABLE t (
    id int PRIMARY KEY,
    small smallint,
    u uuid,
    i4 inet4,
    i6 inet6
);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i % 7, u, i4, i6 FROM series JOIN samples ON s = 1 + i % 6;
