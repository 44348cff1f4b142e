\set k random(1, 260)
\set l random(1, 260)
\set op random(1, 3)
\if :op = 1
DELETE FROM mirror WHERE id = :k;
DELETE FROM t WHERE id = :k;
\else
INSERT IGNORE INTO mirror (id) VALUES (:k);
INSERT IGNORE INTO t (id) VALUES (:k);
UPDATE mirror SET a = '[1,  2.50]', b = JSON_ARRAY(:l), c = JSON_OBJECT('k', 'ä') WHERE id = :k;
UPDATE t JOIN mirror USING (id) SET t.a = mirror.a, t.b = mirror.b, t.c = mirror.c WHERE id = :k;
\endif
