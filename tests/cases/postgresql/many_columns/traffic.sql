\set k random(1, 50)
\set n random(1, 1000000)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
UPDATE t SET c1 = :n, c400 = NULL, c799 = :n WHERE id = :k;
UPDATE mirror.t SET c1 = :n, c400 = NULL, c799 = :n WHERE id = :k;
COMMIT;
