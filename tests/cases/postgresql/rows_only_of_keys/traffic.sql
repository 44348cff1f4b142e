\set k random(1, 400)
\set op random(1, 2)
\set n random(1, 1000000)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
INSERT INTO t VALUES (:k, 'b' || :k) ON CONFLICT DO NOTHING;
INSERT INTO mirror.t VALUES (:k, 'b' || :k) ON CONFLICT DO NOTHING;
\elif :op = 2
DELETE FROM t WHERE a = :k;
DELETE FROM mirror.t WHERE a = :k;
\endif
COMMIT;
