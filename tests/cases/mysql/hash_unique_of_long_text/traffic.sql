\set k random(1, 150)
\set l random(1, 150)
\set op random(1, 3)
\if :op = 1
UPDATE IGNORE t SET v = REPEAT(:l, 300) WHERE id = :k;
UPDATE IGNORE mirror SET v = REPEAT(:l, 300) WHERE id = :k;
\elif :op = 2
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
INSERT IGNORE INTO t VALUES (:k, REPEAT(:l, 200), 1);
INSERT IGNORE INTO mirror VALUES (:k, REPEAT(:l, 200), 1);
\endif
