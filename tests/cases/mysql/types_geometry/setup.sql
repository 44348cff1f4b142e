-- Every type of geometry, with and without values.
CREATE TABLE samples (
    s int PRIMARY KEY,
    g geometry,
    p point,
    l linestring,
    pg polygon,
    mp multipoint,
    ml multilinestring,
    mpg multipolygon,
    gc geometrycollection
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (2, ST_GeomFromText('POINT(1 2)'), ST_GeomFromText('POINT(0 0)'), ST_GeomFromText('LINESTRING(0 0,1 1)'), ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))'), ST_GeomFromText('MULTIPOINT((0 0),(1 1))'), ST_GeomFromText('MULTILINESTRING((0 0,1 1),(2 2,3 3))'), ST_GeomFromText('MULTIPOLYGON(((0 0,0 1,1 1,0 0)))'), ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))')),
    (3, ST_GeomFromText('LINESTRING(0 0,1e10 -1e-10)'), ST_GeomFromText('POINT(-1e308 1e-308)'), ST_GeomFromText('LINESTRING(0.1 0.2,0.3 0.4,0.5 0.6)'), ST_GeomFromText('POLYGON((0 0,0 9,9 9,9 0,0 0),(1 1,1 2,2 2,1 1))'), ST_GeomFromText('MULTIPOINT((5 5))'), ST_GeomFromText('MULTILINESTRING((0 0,1 1))'), ST_GeomFromText('MULTIPOLYGON(((0 0,0 1,1 1,0 0)),((5 5,5 6,6 6,5 5)))'), ST_GeomFromText('GEOMETRYCOLLECTION(POLYGON((0 0,0 1,1 1,0 0)))')),
    (4, ST_GeomFromText('GEOMETRYCOLLECTION(POINT(7 7))'), ST_GeomFromText('POINT(3.141592653589793 2.718281828459045)'), ST_GeomFromText('LINESTRING(9 9,8 8)'), ST_GeomFromText('POLYGON((0 0,0 2,2 2,0 0))'), ST_GeomFromText('MULTIPOINT((0 0),(2 1),(3 4))'), ST_GeomFromText('MULTILINESTRING((0 0,1 1),(1 1,0 0))'), ST_GeomFromText('MULTIPOLYGON(((0 0,0 1,1 1,0 0)))'), ST_GeomFromText('GEOMETRYCOLLECTION(POINT(0 0),POINT(1 1))'));
CREATE TABLE t (
    id int PRIMARY KEY,
    small smallint,
    g geometry,
    p point,
    l linestring,
    pg polygon,
    mp multipoint,
    ml multilinestring,
    mpg multipolygon,
    gc geometrycollection
);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i % 7, g, p, l, pg, mp, ml, mpg, gc FROM series JOIN samples ON s = 1 + i % 4;
