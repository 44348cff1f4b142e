\set k random(1, 199)
BEGIN;
SELECT pg_advisory_xact_lock(0);
UPDATE t SET email = 'in between' WHERE id = :k;
UPDATE t SET email = 'mail' || :k WHERE id = :k + 1;
UPDATE t SET email = 'mail' || (:k + 1) WHERE id = :k;
UPDATE mirror.t SET email = 'in between' WHERE id = :k;
UPDATE mirror.t SET email = 'mail' || :k WHERE id = :k + 1;
UPDATE mirror.t SET email = 'mail' || (:k + 1) WHERE id = :k;
UPDATE t SET email = 'in between' WHERE id = :k + 1;
UPDATE t SET email = 'mail' || :k WHERE id = :k;
UPDATE t SET email = 'mail' || (:k + 1) WHERE id = :k + 1;
UPDATE mirror.t SET email = 'in between' WHERE id = :k + 1;
UPDATE mirror.t SET email = 'mail' || :k WHERE id = :k;
UPDATE mirror.t SET email = 'mail' || (:k + 1) WHERE id = :k + 1;
COMMIT;
