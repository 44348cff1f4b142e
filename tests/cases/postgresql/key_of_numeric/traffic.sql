\set k random(-300, 300)
\set op random(1, 3)
\set n random(1, 1000000)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
INSERT INTO t VALUES (:k / 10.00, :n) ON CONFLICT (id) DO UPDATE SET id = excluded.id;
INSERT INTO mirror.t VALUES (:k / 10.00, :n) ON CONFLICT (id) DO UPDATE SET id = excluded.id;
\elif :op = 2
UPDATE t SET n = :n WHERE id = :k / 10.000;
UPDATE mirror.t SET n = :n WHERE id = :k / 10.000;
\elif :op = 3
DELETE FROM t WHERE id = :k / 10.000;
DELETE FROM mirror.t WHERE id = :k / 10.000;
\endif
COMMIT;
