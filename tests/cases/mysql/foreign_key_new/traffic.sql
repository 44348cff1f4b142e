\set k random(1, 300)
\set p random(1, 200)
\set op random(1, 3)
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
INSERT INTO t (id, p, q, r) VALUES (:k, :p, :p, 1) ON DUPLICATE KEY UPDATE q = :p;
INSERT INTO mirror (id, p, q, r) VALUES (:k, :p, :p, 1) ON DUPLICATE KEY UPDATE q = :p;
\endif
