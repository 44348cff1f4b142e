\set k random(1, 700)
\set op random(1, 3)
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\else
INSERT INTO t (id, v) VALUES (:k, CONCAT('new ', :op)) ON DUPLICATE KEY UPDATE v = CONCAT(v, '!');
INSERT INTO mirror (id, v) VALUES (:k, CONCAT('new ', :op)) ON DUPLICATE KEY UPDATE v = CONCAT(v, '!');
\endif
