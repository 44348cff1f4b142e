\set k random(1, 200)
\set l random(1, 200)
\set op random(1, 2)
\if :op = 1
INSERT INTO t VALUES (:k, :l) ON DUPLICATE KEY UPDATE n = :l;
INSERT INTO mirror VALUES (:k, :l) ON DUPLICATE KEY UPDATE n = :l;
\else
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\endif
