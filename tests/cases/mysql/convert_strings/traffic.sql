\set k random(1, 260)
\set l random(1, 260)
\set op random(1, 3)
\if :op = 1
DELETE FROM mirror WHERE id = :k;
DELETE FROM t WHERE id = :k;
\else
INSERT IGNORE INTO mirror (id) VALUES (:k);
INSERT IGNORE INTO t (id) VALUES (:k);
UPDATE mirror SET a = 'ä€ ', b = 'x  ', c = REPEAT('😀', 100), d = '1234567890', e = 'ascii', f = X'00FF', g = '', h = X'0100' WHERE id = :k;
UPDATE t JOIN mirror USING (id) SET t.a = mirror.a, t.b = mirror.b, t.c = mirror.c, t.d = mirror.d, t.e = mirror.e, t.f = mirror.f, t.g = mirror.g, t.h = mirror.h WHERE id = :k;
\endif
