-- Text in the less usual character sets: sjis, big5, euckr, utf16, utf32, cp1251, koi8r, greek, ascii, binary collations.
CREATE TABLE samples (
    s int PRIMARY KEY,
    a varchar(50) CHARACTER SET sjis,
    b varchar(50) CHARACTER SET big5,
    c varchar(50) CHARACTER SET euckr,
    d varchar(50) CHARACTER SET utf16,
    e varchar(50) CHARACTER SET utf32,
    f varchar(50) CHARACTER SET cp1251,
    g varchar(50) CHARACTER SET koi8r,
    h varchar(50) CHARACTER SET greek,
    asc7 varchar(50) CHARACTER SET ascii,
    j varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    k varchar(50) CHARACTER SET latin1 COLLATE latin1_bin,
    l char(5) CHARACTER SET utf16le,
    m varchar(50) CHARACTER SET cp932,
    n varchar(50) CHARACTER SET eucjpms,
    o varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, '', '', '', '', '', '', '', '', '', '', '', '', '', '', ''),
    (3, 'ソ表', '功許', '한국어', '😀表', '😀ä', 'Привет', 'Привет', 'Ελλάδα', 'ascii', '😀', 'äÄ', 'ab', 'ソ能', '表示', '😀'),
    (4, 'a\\b', 'c''d', 'e"f', 'g\0h', 'i\nj', 'k\\', 'l''', 'm', 'n\0', 'o\\', 'p''', 'q\\', 'r\\', 's''', 't\Z'),
    (5, REPEAT('ソ', 50), REPEAT('功', 50), REPEAT('한', 50), REPEAT('😀', 50), REPEAT('😀', 50), REPEAT('Ж', 50), REPEAT('Ж', 50), REPEAT('Ω', 50), REPEAT('x', 50), REPEAT('😀', 50), REPEAT('ÿ', 50), '😀😀😀😀😀', REPEAT('ソ', 50), REPEAT('表', 50), REPEAT('ß', 50));
CREATE TABLE t (
    id int PRIMARY KEY,
    small smallint,
    a varchar(50) CHARACTER SET sjis,
    b varchar(50) CHARACTER SET big5,
    c varchar(50) CHARACTER SET euckr,
    d varchar(50) CHARACTER SET utf16,
    e varchar(50) CHARACTER SET utf32,
    f varchar(50) CHARACTER SET cp1251,
    g varchar(50) CHARACTER SET koi8r,
    h varchar(50) CHARACTER SET greek,
    asc7 varchar(50) CHARACTER SET ascii,
    j varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    k varchar(50) CHARACTER SET latin1 COLLATE latin1_bin,
    l char(5) CHARACTER SET utf16le,
    m varchar(50) CHARACTER SET cp932,
    n varchar(50) CHARACTER SET eucjpms,
    o varchar(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci
);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i % 7, a, b, c, d, e, f, g, h, asc7, j, k, l, m, n, o FROM series JOIN samples ON s = 1 + i % 5;
