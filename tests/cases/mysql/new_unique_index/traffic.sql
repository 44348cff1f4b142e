\set k random(1, 300)
\set l random(1, 300)
\set op random(1, 3)
\if :op = 1
UPDATE t SET u = NULL WHERE u = :k;
UPDATE mirror SET u = NULL WHERE u = :k;
UPDATE t SET u = :k WHERE id = :l;
UPDATE mirror SET u = :k WHERE id = :l;
\elif :op = 2
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
UPDATE t SET u = NULL WHERE u = :l;
UPDATE mirror SET u = NULL WHERE u = :l;
INSERT IGNORE INTO t VALUES (:k, :l, 1);
INSERT IGNORE INTO mirror VALUES (:k, :l, 1);
\endif
