-- Geometry in reference systems: columns that demand one, and values of several in one column.
CREATE TABLE samples (
    s int PRIMARY KEY,
    g geometry,
    p point SRID 4326,
    q polygon SRID 3857,
    z point SRID 0
);
INSERT INTO samples VALUES
    (1, NULL, NULL, NULL, NULL),
    (2, ST_GeomFromText('POINT(1 2)', 4326), ST_GeomFromText('POINT(10 20)', 4326), ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))', 3857), ST_GeomFromText('POINT(1 1)')),
    (3, ST_GeomFromText('POINT(1 2)', 0), ST_GeomFromText('POINT(-90 180)', 4326), ST_GeomFromText('POLYGON((0 0,0 5,5 5,0 0))', 3857), ST_GeomFromText('POINT(-1 -1)')),
    (4, ST_GeomFromText('LINESTRING(1 2,3 4)', 3857), ST_GeomFromText('POINT(0 0)', 4326), NULL, ST_GeomFromText('POINT(0 0)'));
CREATE TABLE t (
    id int PRIMARY KEY,
    small smallint,
    g geometry,
    p point SRID 4326,
    q polygon SRID 3857,
    z point SRID 0
);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i % 7, g, p, q, z FROM series JOIN samples ON s = 1 + i % 4;
