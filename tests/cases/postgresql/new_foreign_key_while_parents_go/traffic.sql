SELECT nextval('next_key') AS k \gset
BEGIN;
INSERT INTO t VALUES (:k, :k);
INSERT INTO mirror.t VALUES (:k, :k);
COMMIT;
BEGIN;
DELETE FROM t WHERE id = :k;
DELETE FROM mirror.t WHERE id = :k;
COMMIT;
DELETE FROM parent WHERE id = :k;
BEGIN;
DELETE FROM t WHERE id = :k - 200000;
DELETE FROM mirror.t WHERE id = :k - 200000;
COMMIT;
DELETE FROM parent WHERE id = :k - 200000;
