-- Text of each size in utf8mb3.
CREATE TABLE samples (
    s int PRIMARY KEY,
    c char(20) CHARACTER SET utf8mb3,
    v varchar(300) CHARACTER SET utf8mb3,
    tt tinytext CHARACTER SET utf8mb3,
    tx text CHARACTER SET utf8mb3,
    m mediumtext CHARACTER SET utf8mb3,
    l longtext CHARACTER SET utf8mb3
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
    (11, 'ä€表', 'ä€表', 'ä€表', 'ä€表', 'ä€表', 'ä€表'),
    (12, '￿', '￿', '￿', '￿', '￿', '￿'),
    (13, 'x', REPEAT('ab', 150), REPEAT('z', 60), REPEAT('0123456789', 1500), REPEAT('medium ', 12000), REPEAT('long ', 30000));
CREATE TABLE t (
    id int PRIMARY KEY,
    small smallint,
    c char(20) CHARACTER SET utf8mb3,
    v varchar(300) CHARACTER SET utf8mb3,
    tt tinytext CHARACTER SET utf8mb3,
    tx text CHARACTER SET utf8mb3,
    m mediumtext CHARACTER SET utf8mb3,
    l longtext CHARACTER SET utf8mb3
);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 80)
SELECT i, i % 7, c, v, tt, tx, m, l FROM series JOIN samples ON s = 1 + i % 13;
