\set k random(1, 400)
\set l random(1, 400)
\set op random(1, 4)
\if :op = 1
UPDATE t SET v = 'changed :l' WHERE id = :k;
UPDATE mirror SET v = 'changed :l' WHERE id = :k;
\elif :op = 2
UPDATE IGNORE t SET id = :l WHERE id = :k;
UPDATE IGNORE mirror SET id = :l WHERE id = :k;
\elif :op = 3
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
INSERT INTO t VALUES (:k, :l, 'new') ON DUPLICATE KEY UPDATE v = 'again';
INSERT INTO mirror VALUES (:k, :l, 'new') ON DUPLICATE KEY UPDATE v = 'again';
\endif
