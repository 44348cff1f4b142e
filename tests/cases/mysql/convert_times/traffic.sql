\set k random(1, 260)
\set l random(1, 260)
\set op random(1, 3)
\if :op = 1
DELETE FROM mirror WHERE id = :k;
DELETE FROM t WHERE id = :k;
\else
INSERT IGNORE INTO mirror (id) VALUES (:k);
INSERT IGNORE INTO t (id) VALUES (:k);
UPDATE mirror SET a = '2000-02-29', b = '1999-12-31 23:59:59', c = '2020-06-01 00:00:00', d = '2020-06-01 00:00:00', e = '-10:00:01', f = '2020-01-01 00:00:00.499999', g = '2020-01-01 00:00:00.9995', h = '1000-01-01', i = '-00:00:00.6' WHERE id = :k;
UPDATE t JOIN mirror USING (id) SET t.a = mirror.a, t.b = mirror.b, t.c = mirror.c, t.d = mirror.d, t.e = mirror.e, t.f = mirror.f, t.g = mirror.g, t.h = mirror.h, t.i = mirror.i WHERE id = :k;
\endif
