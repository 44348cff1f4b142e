BEGIN;
INSERT INTO t (v) VALUES ('new') RETURNING id AS id \gset
INSERT INTO mirror.t (id, v) VALUES (:id, 'new');
COMMIT;
