\set k random(1, 300)
\set p random(1, 200)
\set q random(1000, 2000000000)
\set op random(1, 6)
\if :op = 1
DELETE FROM parent WHERE id = :p;
DELETE FROM mirror WHERE p = :p;
\elif :op = 2
DELETE FROM boss WHERE id = :p;
UPDATE mirror SET q = NULL WHERE q = :p;
\elif :op = 3
UPDATE parent SET id = :q WHERE id = :p;
UPDATE mirror SET p = :q WHERE p = :p;
\else
INSERT INTO parent VALUES (:p, 'new') ON DUPLICATE KEY UPDATE v = 'again';
INSERT INTO boss VALUES (:p) ON DUPLICATE KEY UPDATE id = :p;
INSERT INTO t (id, p, q, n) VALUES (:k, :p, :p, 1) ON DUPLICATE KEY UPDATE n = n + 1, p = :p, q = :p;
INSERT INTO mirror (id, p, q, n) VALUES (:k, :p, :p, 1) ON DUPLICATE KEY UPDATE n = n + 1, p = :p, q = :p;
\endif
