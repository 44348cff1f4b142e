-- Text in ucs2, in which each ASCII character has a NUL byte.
CREATE TABLE samples (
    s int PRIMARY KEY,
    c char(20) CHARACTER SET ucs2,
    v varchar(300) CHARACTER SET ucs2,
    tt tinytext CHARACTER SET ucs2,
    tx text CHARACTER SET ucs2,
    m mediumtext CHARACTER SET ucs2,
    l longtext CHARACTER SET ucs2
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, '', '', '', '', '', ''),
    (3, ' ', ' ', ' ', ' ', ' ', ' '),
    (4, 'a', 'a', 'a', 'a', 'a', 'a'),
    (5, 'ä€表', 'ä€表', 'ä€表', 'ä€表', 'ä€表', 'ä€表'),
    (6, '\0', '\0', '\0', '\0', '\0', '\0'),
    (7, '''\\', '''\\', '''\\', '''\\', '''\\', '''\\'),
    (8, 'x', REPEAT('ab', 150), REPEAT('z', 60), REPEAT('0123456789', 1500), REPEAT('medium ', 12000), REPEAT('long ', 30000));
CREATE TABLE t (
    id int PRIMARY KEY,
    small smallint,
    c char(20) CHARACTER SET ucs2,
    v varchar(300) CHARACTER SET ucs2,
    tt tinytext CHARACTER SET ucs2,
    tx text CHARACTER SET ucs2,
    m mediumtext CHARACTER SET ucs2,
    l longtext CHARACTER SET ucs2
);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 80)
SELECT i, i % 7, c, v, tt, tx, m, l FROM series JOIN samples ON s = 1 + i % 8;
