\set k random(1, 700)
\set l random(1, 700)
\set op random(1, 3)
\if :op = 1
UPDATE t SET n = :l WHERE b = :k;
UPDATE mirror SET n = :l WHERE b = :k;
\elif :op = 2
DELETE FROM t WHERE b = :k;
DELETE FROM mirror WHERE b = :k;
\else
INSERT INTO t (a, b, n) VALUES (:k % 7, :k, :l) ON DUPLICATE KEY UPDATE n = :l;
INSERT INTO mirror (a, b, n) VALUES (:k % 7, :k, :l) ON DUPLICATE KEY UPDATE n = :l;
\endif
