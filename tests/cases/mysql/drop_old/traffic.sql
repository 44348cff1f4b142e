\set k random(1, 400)
\set l random(1, 400)
\set op random(1, 3)
\if :op = 1
UPDATE t SET n = :l WHERE id = :k;
UPDATE mirror SET n = :l WHERE id = :k;
\elif :op = 2
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
INSERT INTO t (id, n, v) VALUES (:k, :l, 'new') ON DUPLICATE KEY UPDATE n = :l;
INSERT INTO mirror (id, n, v) VALUES (:k, :l, 'new') ON DUPLICATE KEY UPDATE n = :l;
\endif
