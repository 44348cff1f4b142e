\set k random(1, 300)
\set l random(1, 300)
\set op random(1, 4)
\if :op = 1
UPDATE IGNORE t SET u = -1 WHERE id = :k;
UPDATE IGNORE mirror SET u = -1 WHERE id = :k;
UPDATE IGNORE t SET u = :k + 100000 + id WHERE id = :l;
UPDATE IGNORE mirror SET u = :k + 100000 + id WHERE id = :l;
UPDATE IGNORE t SET u = :l WHERE u = -1;
UPDATE IGNORE mirror SET u = :l WHERE u = -1;
UPDATE IGNORE t SET u = :k WHERE u > 100000;
UPDATE IGNORE mirror SET u = :k WHERE u > 100000;
UPDATE t SET u = NULL WHERE u > 100000 OR u = -1;
UPDATE mirror SET u = NULL WHERE u > 100000 OR u = -1;
\elif :op = 2
UPDATE t SET w = NULL WHERE id IN (:k, :l);
UPDATE mirror SET w = NULL WHERE id IN (:k, :l);
UPDATE IGNORE t SET w = CONCAT('w', :k) WHERE id = :l;
UPDATE IGNORE mirror SET w = CONCAT('w', :k) WHERE id = :l;
UPDATE IGNORE t SET w = CONCAT('W', :l) WHERE id = :k;
UPDATE IGNORE mirror SET w = CONCAT('W', :l) WHERE id = :k;
\elif :op = 3
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
INSERT IGNORE INTO t (id, u, w, n) VALUES (:k, :l, CONCAT('w', :l), 1);
INSERT IGNORE INTO mirror (id, u, w, n) VALUES (:k, :l, CONCAT('w', :l), 1);
\else
REPLACE INTO t (id, u, w, n) VALUES (:k, :l, CONCAT('w', :k), 2);
REPLACE INTO mirror (id, u, w, n) VALUES (:k, :l, CONCAT('w', :k), 2);
\endif
