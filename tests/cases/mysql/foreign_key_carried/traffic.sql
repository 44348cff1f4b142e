\set k random(1, 300)
\set p random(1, 200)
\set q random(1000, 1000000000)
\set op random(1, 3)
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
INSERT INTO parent VALUES (:q, 'new') ON DUPLICATE KEY UPDATE v = 'again';
DELETE FROM parent WHERE id = :q;
\else
INSERT INTO t (id, p, a, b, n) VALUES (:k, :p, :p, 'x', 1) ON DUPLICATE KEY UPDATE n = n + 1, p = :p;
INSERT INTO mirror (id, p, a, b, n) VALUES (:k, :p, :p, 'x', 1) ON DUPLICATE KEY UPDATE n = n + 1, p = :p;
\endif
