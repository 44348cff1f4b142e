\set k random(1, 400)
\set l random(1, 400)
\set op random(1, 3)
\if :op = 1
UPDATE t SET a = :l % 7 WHERE id = :k;
UPDATE mirror SET a = :l % 7 WHERE id = :k;
\elif :op = 2
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
INSERT IGNORE INTO t VALUES (:k, 1, CONCAT('b', :l), 'c', :k);
INSERT IGNORE INTO mirror VALUES (:k, 1, CONCAT('b', :l), 'c', :k);
\endif
