\set k random(1, 600)
\set op random(1, 3)
\set n random(1, 1000000)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
INSERT INTO t VALUES ('KEY ' || :k, :n) ON CONFLICT (id) DO UPDATE SET id = excluded.id;
INSERT INTO mirror.t VALUES ('KEY ' || :k, :n) ON CONFLICT (id) DO UPDATE SET id = excluded.id;
\elif :op = 2
UPDATE t SET n = :n WHERE id = 'key ' || :k;
UPDATE mirror.t SET n = :n WHERE id = 'key ' || :k;
\elif :op = 3
DELETE FROM t WHERE id = 'key ' || :k;
DELETE FROM mirror.t WHERE id = 'key ' || :k;
\endif
COMMIT;
