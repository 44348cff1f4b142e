\set k random(1, 600)
\set op random(1, 3)
\set n random(1, 1000000)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
INSERT INTO t (id, v) VALUES (:k, 'new ' || :n) ON CONFLICT (id) DO NOTHING;
INSERT INTO mirror.t (id, v) VALUES (:k, 'new ' || :n) ON CONFLICT (id) DO NOTHING;
\elif :op = 2
UPDATE t SET v = 'changed ' || :n WHERE id = :k;
UPDATE mirror.t SET v = 'changed ' || :n WHERE id = :k;
\elif :op = 3
DELETE FROM t WHERE id = :k;
DELETE FROM mirror.t WHERE id = :k;
\endif
COMMIT;
