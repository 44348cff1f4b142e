\concurrent
\set n random(1, 1000000)
\set op random(1, 2)
DO GET_LOCK(CONCAT('traffic ', DATABASE()), 60);
BEGIN;
UPDATE t SET n = :n;
SAVEPOINT s;
UPDATE t SET n = n + 1, v = 'never' WHERE id % 2 = 0;
DELETE FROM t WHERE id % 3 = 0;
ROLLBACK TO s;
UPDATE t SET n = n + 1 WHERE id % 5 = 0;
UPDATE mirror SET n = :n;
UPDATE mirror SET n = n + 1 WHERE id % 5 = 0;
\if :op = 1
COMMIT;
\else
ROLLBACK;
\endif
DO RELEASE_LOCK(CONCAT('traffic ', DATABASE()));
