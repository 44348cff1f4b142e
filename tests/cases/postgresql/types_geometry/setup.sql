-- Geometric types: they have no equality that a key could use, and must still be copied exactly.
CREATE TABLE samples (
    s integer PRIMARY KEY,
    p point,
    l line,
    ls lseg,
    b box,
    pa path,
    pg polygon,
    c circle
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, '(0,-0)', '{1,-1,0}', '[(0,0),(1,1)]', '(2,2),(0,0)', '((0,0),(1,1),(2,0))', '((0,0),(1,1),(2,0))', '<(0,0),0>'),
    (3, '(NaN,Infinity)', '{0.1,2,3e10}', '[(-1e10,5),(3,3)]', '(1,1),(1,1)', '[(0,0),(1,1),(2,0)]', '((0,0))', '<(1,-1),2.5>'),
    (4, '(0.1,1e-300)', '{1,-1,0}', '[(0,0),(1,1)]', '(2,2),(0,0)', '((0,0),(1,1),(2,0))', '((0,0),(1,1),(2,0))', '<(0,0),0>');
CREATE TABLE t (
    id integer PRIMARY KEY,
    small smallint,
    p point,
    l line,
    ls lseg,
    b box,
    pa path,
    pg polygon,
    c circle
);
INSERT INTO t SELECT k, k % 7, p, l, ls, b, pa, pg, c
FROM generate_series(1, 200) AS k JOIN samples ON s = 1 + k % 4;
