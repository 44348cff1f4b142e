\set k random(1, 199)
BEGIN;
SELECT pg_advisory_xact_lock(0);
UPDATE t SET place = (SELECT sum(place) FROM t WHERE id IN (:k, :k + 1)) - place WHERE id IN (:k, :k + 1);
UPDATE mirror.t SET place = (SELECT sum(place) FROM mirror.t WHERE id IN (:k, :k + 1)) - place WHERE id IN (:k, :k + 1);
COMMIT;
