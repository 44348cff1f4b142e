\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 4)
\if :op = 1
DELETE FROM t WHERE a = :k;
DELETE FROM mirror WHERE a = :k;
\elif :op = 2
INSERT INTO t VALUES (:k, CONCAT('b', :k), :l, NULL) ON DUPLICATE KEY UPDATE n = :l;
INSERT INTO mirror VALUES (:k, CONCAT('b', :k), :l, NULL) ON DUPLICATE KEY UPDATE n = :l;
\elif :op = 3
UPDATE IGNORE t SET x = IF(x IS NULL, :k, NULL) WHERE a = :k;
UPDATE IGNORE mirror SET x = IF(x IS NULL, :k, NULL) WHERE a = :k;
\else
UPDATE IGNORE t SET a = :l, b = CONCAT('b', :l) WHERE a = :k;
UPDATE IGNORE mirror SET a = :l, b = CONCAT('b', :l) WHERE a = :k;
\endif
