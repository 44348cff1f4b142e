\set k random(1, 250)
\set s random(1, 4)
\set op random(1, 3)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror.t WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, l, s, x, x8, ti, rt, rc, rn, iv, ov, rf)
    SELECT :k, :s, l, s, x, x8, ti, rt, rc, rn, iv, ov, rf FROM samples WHERE sample = :s ON CONFLICT (id) DO NOTHING;
INSERT INTO mirror.t (id, small, l, s, x, x8, ti, rt, rc, rn, iv, ov, rf)
    SELECT :k, :s, l, s, x, x8, ti, rt, rc, rn, iv, ov, rf FROM samples WHERE sample = :s ON CONFLICT (id) DO NOTHING;
\else
UPDATE t SET (l, s, x, x8, ti, rt, rc, rn, iv, ov, rf)
    = (SELECT l, s, x, x8, ti, rt, rc, rn, iv, ov, rf FROM samples WHERE sample = :s) WHERE id = :k;
UPDATE mirror.t SET (l, s, x, x8, ti, rt, rc, rn, iv, ov, rf)
    = (SELECT l, s, x, x8, ti, rt, rc, rn, iv, ov, rf FROM samples WHERE sample = :s) WHERE id = :k;
\endif
COMMIT;
