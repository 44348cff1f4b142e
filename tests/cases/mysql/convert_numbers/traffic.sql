\set k random(1, 260)
\set l random(1, 260)
\set op random(1, 3)
\if :op = 1
DELETE FROM mirror WHERE id = :k;
DELETE FROM t WHERE id = :k;
\else
INSERT IGNORE INTO mirror (id) VALUES (:k);
INSERT IGNORE INTO t (id) VALUES (:k);
UPDATE mirror SET a = :l % 100, b = :l, c = :l / 4, d = :l / 3, e = :l * 1000000007, f = :l, g = :l / 7, h = :l % 256, i = 1950 + :l % 40 WHERE id = :k;
UPDATE t JOIN mirror USING (id) SET t.a = mirror.a, t.b = mirror.b, t.c = mirror.c, t.d = mirror.d, t.e = mirror.e, t.f = mirror.f, t.g = mirror.g, t.h = mirror.h, t.i = mirror.i WHERE id = :k;
\endif
