\concurrent
\set k random(1, 1000000)
\set l random(1, 1000)
\set op random(1, 2)
BEGIN;
INSERT INTO t SELECT CONNECTION_ID() % 1000 * 1000000 + 1000 + :l, :k, 'new' FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM mirror WHERE id = CONNECTION_ID() % 1000 * 1000000 + 1000 + :l);
INSERT IGNORE INTO mirror VALUES (CONNECTION_ID() % 1000 * 1000000 + 1000 + :l, :k, 'new');
UPDATE t SET v = 'again' WHERE id = CONNECTION_ID() % 1000 * 1000000 + 1000 + :l;
UPDATE mirror SET v = 'again' WHERE id = CONNECTION_ID() % 1000 * 1000000 + 1000 + :l;
\if :op = 1
DELETE FROM t WHERE id = CONNECTION_ID() % 1000 * 1000000 + 1001 + :l;
DELETE FROM mirror WHERE id = CONNECTION_ID() % 1000 * 1000000 + 1001 + :l;
\endif
COMMIT;
