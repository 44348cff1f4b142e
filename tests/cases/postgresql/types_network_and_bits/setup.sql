-- Addresses, bit strings and identifiers.
CREATE TABLE samples (
    s integer PRIMARY KEY,
    i inet,
    c cidr,
    m macaddr,
    m8 macaddr8,
    b64 bit(64),
    b1 bit,
    vb varbit,
    vb9 bit varying(9),
    u uuid
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, '0.0.0.0/0', '0.0.0.0/0', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', repeat('1', 64)::bit(64), B'1', B'', B'101010101', '00000000-0000-0000-0000-000000000000'),
    (3, '255.255.255.255', '10.1.0.0/16', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00:00:00', repeat('0', 64)::bit(64), B'0', B'1', B'', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
    (4, '::', '2001:db8::/32', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'1000000000000000000000000000000000000000000000000000000000000001', B'1', repeat('10', 700)::varbit, B'101010101', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'),
    (5, '2001:db8::1/64', '0.0.0.0/0', 'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00:00:00', repeat('1', 64)::bit(64), B'0', B'', B'', '00000000-0000-0000-0000-000000000000'),
    (6, '10.1.2.3/8', '10.1.0.0/16', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', repeat('0', 64)::bit(64), B'1', B'1', B'101010101', 'ffffffff-ffff-ffff-ffff-ffffffffffff');
CREATE TABLE t (
    id integer PRIMARY KEY,
    small smallint,
    i inet,
    c cidr,
    m macaddr,
    m8 macaddr8,
    b64 bit(64),
    b1 bit,
    vb varbit,
    vb9 bit varying(9),
    u uuid
);
INSERT INTO t SELECT k, k % 7, i, c, m, m8, b64, b1, vb, vb9, u
FROM generate_series(1, 200) AS k JOIN samples ON s = 1 + k % 6;
