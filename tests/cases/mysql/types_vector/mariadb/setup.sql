-- VECTOR: arrays of floats, down to minus zero and the smallest; the largest are those whose squares are floats, too.
CREATE TABLE samples (
    s int PRIMARY KEY,
    v vector(4),
    v2 vector(1)
);
INSERT INTO samples VALUES
    (1, NULL, NULL),
    (2, VEC_FromText('[0,0,0,0]'), VEC_FromText('[0]')),
    (3, VEC_FromText('[1,-1,0.5,1e18]'), VEC_FromText('[-1e18]')),
    (4, VEC_FromText('[1.2e-38,-0.0,0.1,0.2]'), VEC_FromText('[1.5]'));
CREATE TABLE t (
    id int PRIMARY KEY,
    small smallint,
    v vector(4),
    v2 vector(1)
);
INSERT INTO t WITH RECURSIVE series (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 200)
SELECT i, i % 7, v, v2 FROM series JOIN samples ON s = 1 + i % 4;
