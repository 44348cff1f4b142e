\set k random(1, 250)
\set s random(1, 10)
\set op random(1, 3)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror.t WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, v10, c10, x, ci, raw, q, nm)
    SELECT :k, :s, v10, c10, x, ci, raw, q, nm FROM samples WHERE s = :s ON CONFLICT (id) DO NOTHING;
INSERT INTO mirror.t (id, small, v10, c10, x, ci, raw, q, nm)
    SELECT :k, :s, v10, c10, x, ci, raw, q, nm FROM samples WHERE s = :s ON CONFLICT (id) DO NOTHING;
\else
UPDATE t SET (v10, c10, x, ci, raw, q, nm)
    = (SELECT v10, c10, x, ci, raw, q, nm FROM samples WHERE s = :s) WHERE id = :k;
UPDATE mirror.t SET (v10, c10, x, ci, raw, q, nm)
    = (SELECT v10, c10, x, ci, raw, q, nm FROM samples WHERE s = :s) WHERE id = :k;
\endif
COMMIT;
