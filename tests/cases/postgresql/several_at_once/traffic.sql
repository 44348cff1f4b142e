\set k random(1, 600)
\set op random(1, 2)
\set n random(1, 1000000)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror.t WHERE id = :k;
\elif :op = 2
UPDATE t SET d = 'changed ' || :n, e = -e WHERE id = :k;
UPDATE mirror.t SET d = 'changed ' || :n, e = -e WHERE id = :k;
\endif
COMMIT;
