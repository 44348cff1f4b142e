\set k random(1, 300)
\set p random(1, 200)
\set op random(1, 2)
\if :op = 1
UPDATE parent SET v = v + 1 WHERE id = :p;
INSERT INTO t (id, p, n) VALUES (:k, :p, 1) ON DUPLICATE KEY UPDATE n = n + 1, p = :p;
INSERT INTO mirror (id, p, n) VALUES (:k, :p, 1) ON DUPLICATE KEY UPDATE n = n + 1, p = :p;
\else
INSERT INTO t (id, p, n) VALUES (:k, :p, 1) ON DUPLICATE KEY UPDATE n = n + 1, p = :p;
INSERT INTO mirror (id, p, n) VALUES (:k, :p, 1) ON DUPLICATE KEY UPDATE n = n + 1, p = :p;
UPDATE parent SET v = v + 1 WHERE id = :p;
\endif
