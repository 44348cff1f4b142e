\set k random(1, 400)
\set l random(1, 400)
\set op random(1, 3)
\if :op = 1
UPDATE t SET a = :l, d = X'00FF' WHERE id = :k;
UPDATE mirror SET a = :l, d = X'00FF' WHERE id = :k;
\elif :op = 2
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
INSERT INTO t (id, a, b) VALUES (:k, :l, 'new') ON DUPLICATE KEY UPDATE c = '2000-01-01';
INSERT INTO mirror (id, a, b) VALUES (:k, :l, 'new') ON DUPLICATE KEY UPDATE c = '2000-01-01';
\endif
