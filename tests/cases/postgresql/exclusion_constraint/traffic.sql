\set k random(1, 300)
\set n random(1, 1000000)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
UPDATE t SET n = :n, during = int4range(:k * 10 + :n % 3, :k * 10 + 10) WHERE id = :k;
UPDATE mirror.t SET n = :n, during = int4range(:k * 10 + :n % 3, :k * 10 + 10) WHERE id = :k;
COMMIT;
