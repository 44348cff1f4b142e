\set k random(1, 250)
\set s random(1, 6)
\set op random(1, 3)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror.t WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, i, c, m, m8, b64, b1, vb, vb9, u)
    SELECT :k, :s, i, c, m, m8, b64, b1, vb, vb9, u FROM samples WHERE s = :s ON CONFLICT (id) DO NOTHING;
INSERT INTO mirror.t (id, small, i, c, m, m8, b64, b1, vb, vb9, u)
    SELECT :k, :s, i, c, m, m8, b64, b1, vb, vb9, u FROM samples WHERE s = :s ON CONFLICT (id) DO NOTHING;
\else
UPDATE t SET (i, c, m, m8, b64, b1, vb, vb9, u)
    = (SELECT i, c, m, m8, b64, b1, vb, vb9, u FROM samples WHERE s = :s) WHERE id = :k;
UPDATE mirror.t SET (i, c, m, m8, b64, b1, vb, vb9, u)
    = (SELECT i, c, m, m8, b64, b1, vb, vb9, u FROM samples WHERE s = :s) WHERE id = :k;
\endif
COMMIT;
