SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 4)
\if :op = 1
UPDATE t SET n = n + 1 WHERE id = 0;
UPDATE mirror SET n = n + 1 WHERE id = 0;
\elif :op = 2
DELETE FROM t WHERE id = 0;
DELETE FROM mirror WHERE id = 0;
\elif :op = 3
INSERT IGNORE INTO t VALUES (0, :k);
INSERT IGNORE INTO mirror VALUES (0, :k);
\else
INSERT INTO t VALUES (:k, :l) ON DUPLICATE KEY UPDATE n = :l;
INSERT INTO mirror VALUES (:k, :l) ON DUPLICATE KEY UPDATE n = :l;
\endif
