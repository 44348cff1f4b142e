\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 3)
\if :op = 1
UPDATE t SET v = 'changed' WHERE id = :k + 4294966000;
UPDATE mirror SET v = 'changed' WHERE id = :k + 4294966000;
\elif :op = 2
DELETE FROM t WHERE id = :k + 4294966000;
DELETE FROM mirror WHERE id = :k + 4294966000;
\else
INSERT INTO t VALUES (:k + 4294966000, 'new') ON DUPLICATE KEY UPDATE v = 'again';
INSERT INTO mirror VALUES (:k + 4294966000, 'new') ON DUPLICATE KEY UPDATE v = 'again';
\endif
