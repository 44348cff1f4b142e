-- Text of each size in latin1, with bytes of every kind.
CREATE TABLE samples (
    s int PRIMARY KEY,
    c char(20) CHARACTER SET latin1,
    v varchar(300) CHARACTER SET latin1,
    tt tinytext CHARACTER SET latin1,
    tx text CHARACTER SET latin1,
    m mediumtext CHARACTER SET latin1,
    l longtext CHARACTER SET latin1
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, '', '', '', '', '', ''),
    (3, ' ', ' ', ' ', ' ', ' ', ' '),
    (4, '  a  ', '  a  ', '  a  ', '  a  ', '  a  ', '  a  '),
    (5, 'back\\slash', 'back\\slash', 'back\\slash', 'back\\slash', 'back\\slash', 'back\\slash'),
    (6, 'it''s \"quoted\"', 'it''s \"quoted\"', 'it''s \"quoted\"', 'it''s \"quoted\"', 'it''s \"quoted\"', 'it''s \"quoted\"'),
    (7, 'line\nand\ttab', 'line\nand\ttab', 'line\nand\ttab', 'line\nand\ttab', 'line\nand\ttab', 'line\nand\ttab'),
    (8, 'nul\0byte', 'nul\0byte', 'nul\0byte', 'nul\0byte', 'nul\0byte', 'nul\0byte'),
    (9, '%_%', '%_%', '%_%', '%_%', '%_%', '%_%'),
    (10, '\r\n\Z', '\r\n\Z', '\r\n\Z', '\r\n\Z', '\r\n\Z', '\r\n\Z'),
    (11, 'äöüß€', 'äöüß€', 'äöüß€', 'äöüß€', 'äöüß€', 'äöüß€'),
    (12, 'ÿþ', 'ÿþ', 'ÿþ', 'ÿþ', 'ÿþ', 'ÿþ'),
    (13, CONVERT(X'80818D8F909DA0FF' USING latin1), CONVERT(X'80818D8F909DA0FF' USING latin1), CONVERT(X'80818D8F909DA0FF' USING latin1), CONVERT(X'80818D8F909DA0FF' USING latin1), CONVERT(X'80818D8F909DA0FF' USING latin1), CONVERT(X'80818D8F909DA0FF' USING latin1)),
    (14, 'x', REPEAT('ab', 150), REPEAT('z', 60), REPEAT('0123456789', 1500), REPEAT('medium ', 12000), REPEAT('long ', 30000));
CREATE TABLE t (
    id int PRIMARY KEY,
    small smallint,
    c char(20) CHARACTER SET latin1,
    v varchar(300) CHARACTER SET latin1,
    tt tinytext CHARACTER SET latin1,
    tx text CHARACTER SET latin1,
    m mediumtext CHARACTER SET latin1,
    l longtext CHARACTER SET latin1
);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 80)
SELECT i, i % 7, c, v, tt, tx, m, l FROM series JOIN samples ON s = 1 + i % 14;
