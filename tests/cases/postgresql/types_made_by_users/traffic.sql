\set k random(1, 250)
\set s random(1, 5)
\set op random(1, 3)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror.t WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, e, d, dn, p, pp, ir, nr, tr, dr, fr, im, tm, dp)
    SELECT :k, :s, e, d, dn, p, pp, ir, nr, tr, dr, fr, im, tm, dp FROM samples WHERE s = :s ON CONFLICT (id) DO NOTHING;
INSERT INTO mirror.t (id, small, e, d, dn, p, pp, ir, nr, tr, dr, fr, im, tm, dp)
    SELECT :k, :s, e, d, dn, p, pp, ir, nr, tr, dr, fr, im, tm, dp FROM samples WHERE s = :s ON CONFLICT (id) DO NOTHING;
\else
UPDATE t SET (e, d, dn, p, pp, ir, nr, tr, dr, fr, im, tm, dp)
    = (SELECT e, d, dn, p, pp, ir, nr, tr, dr, fr, im, tm, dp FROM samples WHERE s = :s) WHERE id = :k;
UPDATE mirror.t SET (e, d, dn, p, pp, ir, nr, tr, dr, fr, im, tm, dp)
    = (SELECT e, d, dn, p, pp, ir, nr, tr, dr, fr, im, tm, dp FROM samples WHERE s = :s) WHERE id = :k;
\endif
COMMIT;
