\set k random(1, 250)
\set l random(1, 250)
\set op random(1, 4)
\if :op = 1
DELETE FROM t WHERE k = (:k - 129);
DELETE FROM mirror WHERE k = (:k - 129);
\elif :op = 2
INSERT INTO t VALUES ((:k - 129), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
INSERT INTO mirror VALUES ((:k - 129), :l, 'new') ON DUPLICATE KEY UPDATE n = :l, v = CONCAT(LEFT(v, 40), '.');
\elif :op = 3
UPDATE IGNORE t SET k = (:l - 129), n = :k WHERE k = (:k - 129);
UPDATE IGNORE mirror SET k = (:l - 129), n = :k WHERE k = (:k - 129);
\else
UPDATE t SET v = 'changed' WHERE k = (:k - 129);
UPDATE mirror SET v = 'changed' WHERE k = (:k - 129);
\endif
