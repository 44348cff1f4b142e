\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 4)
\if :op = 1
DELETE FROM t WHERE k = :k;
DELETE FROM mirror WHERE k = :k;
\elif :op = 2
INSERT INTO t VALUES (:k, :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
INSERT INTO mirror VALUES (:k, :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
\elif :op = 3
UPDATE IGNORE t SET k = :l, n = :k WHERE k = :k;
UPDATE IGNORE mirror SET k = :l, n = :k WHERE k = :k;
\else
UPDATE t SET v = 'changed' WHERE k = :k;
UPDATE mirror SET v = 'changed' WHERE k = :k;
\endif
