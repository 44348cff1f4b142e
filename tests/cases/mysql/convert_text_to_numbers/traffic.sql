\set k random(1, 260)
\set l random(1, 260)
\set op random(1, 3)
\if :op = 1
DELETE FROM mirror WHERE id = :k;
DELETE FROM t WHERE id = :k;
\else
INSERT IGNORE INTO mirror (id) VALUES (:k);
INSERT IGNORE INTO t (id) VALUES (:k);
UPDATE mirror SET a = CONCAT(:l), b = CONCAT('-', :l, '.25'), c = '2024-02-29', d = '-01:02:03', e = CONCAT(:l, 'e-5') WHERE id = :k;
UPDATE t JOIN mirror USING (id) SET t.a = mirror.a, t.b = mirror.b, t.c = mirror.c, t.d = mirror.d, t.e = mirror.e WHERE id = :k;
\endif
