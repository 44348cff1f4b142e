\set k random(1, 5000)
\set l random(1, 5000)
\set op random(1, 4)
\if :op = 1
UPDATE IGNORE t SET id = :l WHERE id = :k;
UPDATE IGNORE mirror SET id = :l WHERE id = :k;
\elif :op = 2
UPDATE IGNORE t SET id = :l, n = n + 1 WHERE id = :k;
UPDATE IGNORE mirror SET id = :l, n = n + 1 WHERE id = :k;
\elif :op = 3
INSERT INTO t VALUES (:k, :l, REPEAT(':k-', 3000)) ON DUPLICATE KEY UPDATE n = :l;
INSERT INTO mirror VALUES (:k, :l, REPEAT(':k-', 3000)) ON DUPLICATE KEY UPDATE n = :l;
\else
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\endif
