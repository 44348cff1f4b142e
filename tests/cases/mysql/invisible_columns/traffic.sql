\set k random(1, 300)
\set l random(1, 300)
\set op random(1, 3)
\if :op = 1
UPDATE t SET a = :l WHERE id = :k;
UPDATE mirror SET a = :l WHERE id = :k;
\elif :op = 2
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
INSERT INTO t (id, a, n) VALUES (:k, :l, 1) ON DUPLICATE KEY UPDATE b = 'z';
INSERT INTO mirror (id, a, n) VALUES (:k, :l, 1) ON DUPLICATE KEY UPDATE b = 'z';
\endif
