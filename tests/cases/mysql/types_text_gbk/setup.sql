-- Text in gbk, whose second bytes may be a backslash.
CREATE TABLE samples (
    s int PRIMARY KEY,
    c char(20) CHARACTER SET gbk,
    v varchar(300) CHARACTER SET gbk,
    tt tinytext CHARACTER SET gbk,
    tx text CHARACTER SET gbk,
    m mediumtext CHARACTER SET gbk,
    l longtext CHARACTER SET gbk
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, '', '', '', '', '', ''),
    (3, 'a', 'a', 'a', 'a', 'a', 'a'),
    (4, '表格', '表格', '表格', '表格', '表格', '表格'),
    (5, '縗', '縗', '縗', '縗', '縗', '縗'),
    (6, CONVERT(X'815C' USING gbk), CONVERT(X'815C' USING gbk), CONVERT(X'815C' USING gbk), CONVERT(X'815C' USING gbk), CONVERT(X'815C' USING gbk), CONVERT(X'815C' USING gbk)),
    (7, CONVERT(X'BF5CBF5C' USING gbk), CONVERT(X'BF5CBF5C' USING gbk), CONVERT(X'BF5CBF5C' USING gbk), CONVERT(X'BF5CBF5C' USING gbk), CONVERT(X'BF5CBF5C' USING gbk), CONVERT(X'BF5CBF5C' USING gbk)),
    (8, '誠\\\'', '誠\\\'', '誠\\\'', '誠\\\'', '誠\\\'', '誠\\\''),
    (9, 'x', REPEAT('ab', 150), REPEAT('z', 60), REPEAT('0123456789', 1500), REPEAT('medium ', 12000), REPEAT('long ', 30000));
CREATE TABLE t (
    id int PRIMARY KEY,
    small smallint,
    c char(20) CHARACTER SET gbk,
    v varchar(300) CHARACTER SET gbk,
    tt tinytext CHARACTER SET gbk,
    tx text CHARACTER SET gbk,
    m mediumtext CHARACTER SET gbk,
    l longtext CHARACTER SET gbk
);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 80)
SELECT i, i % 7, c, v, tt, tx, m, l FROM series JOIN samples ON s = 1 + i % 9;
