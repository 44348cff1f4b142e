\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 3)
\if :op = 1
DELETE FROM t WHERE a = :k % 5 AND b = :k;
DELETE FROM mirror WHERE a = :k % 5 AND b = :k;
\elif :op = 2
INSERT INTO t VALUES (:k % 5, :k, :l) ON DUPLICATE KEY UPDATE n = :l;
INSERT INTO mirror VALUES (:k % 5, :k, :l) ON DUPLICATE KEY UPDATE n = :l;
\else
UPDATE IGNORE t SET a = :l % 5 WHERE a = :k % 5 AND b = :k;
UPDATE IGNORE mirror SET a = :l % 5 WHERE a = :k % 5 AND b = :k;
\endif
