\set k random(1, 250)
\set s random(1, 9)
\set op random(1, 3)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror.t WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, i2, i4, i8, n, n20_5, f4, f8, m, o, b)
    SELECT :k, :s, i2, i4, i8, n, n20_5, f4, f8, m, o, b FROM samples WHERE s = :s ON CONFLICT (id) DO NOTHING;
INSERT INTO mirror.t (id, small, i2, i4, i8, n, n20_5, f4, f8, m, o, b)
    SELECT :k, :s, i2, i4, i8, n, n20_5, f4, f8, m, o, b FROM samples WHERE s = :s ON CONFLICT (id) DO NOTHING;
\else
UPDATE t SET (i2, i4, i8, n, n20_5, f4, f8, m, o, b)
    = (SELECT i2, i4, i8, n, n20_5, f4, f8, m, o, b FROM samples WHERE s = :s) WHERE id = :k;
UPDATE mirror.t SET (i2, i4, i8, n, n20_5, f4, f8, m, o, b)
    = (SELECT i2, i4, i8, n, n20_5, f4, f8, m, o, b FROM samples WHERE s = :s) WHERE id = :k;
\endif
COMMIT;
