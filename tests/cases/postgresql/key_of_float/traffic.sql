\set k random(-300, 300)
\set op random(1, 3)
\set n random(1, 1000000)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
INSERT INTO t VALUES (:k / 7.0, :n) ON CONFLICT DO NOTHING;
INSERT INTO mirror.t VALUES (:k / 7.0, :n) ON CONFLICT DO NOTHING;
\elif :op = 2
UPDATE t SET n = :n WHERE id = :k::double precision / 7.0;
UPDATE mirror.t SET n = :n WHERE id = :k::double precision / 7.0;
\elif :op = 3
DELETE FROM t WHERE id = :k::double precision / 7.0;
DELETE FROM mirror.t WHERE id = :k::double precision / 7.0;
\endif
COMMIT;
