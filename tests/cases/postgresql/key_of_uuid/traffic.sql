\set k random(1, 600)
\set op random(1, 3)
\set n random(1, 1000000)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
INSERT INTO t VALUES (md5(:k::text)::uuid, :n) ON CONFLICT DO NOTHING;
INSERT INTO mirror.t VALUES (md5(:k::text)::uuid, :n) ON CONFLICT DO NOTHING;
\elif :op = 2
UPDATE t SET n = :n WHERE id = md5(:k::text)::uuid;
UPDATE mirror.t SET n = :n WHERE id = md5(:k::text)::uuid;
\elif :op = 3
DELETE FROM t WHERE id = md5(:k::text)::uuid;
DELETE FROM mirror.t WHERE id = md5(:k::text)::uuid;
\endif
COMMIT;
