\set k random(1, 260)
\set l random(1, 260)
\set op random(1, 3)
\if :op = 1
DELETE FROM mirror WHERE id = :k;
DELETE FROM t WHERE id = :k;
\else
INSERT IGNORE INTO mirror (id) VALUES (:k);
INSERT IGNORE INTO t (id) VALUES (:k);
UPDATE mirror SET a = 1 + :l % 3, b = 1 + :l % 2, c = :l % 4, d = ELT(1 + :l % 3, 'eins', 'Zwei', 'drei'), e = 1 + :l % 3, f = :l % 8 WHERE id = :k;
UPDATE t JOIN mirror USING (id) SET t.a = mirror.a, t.b = mirror.b, t.c = mirror.c, t.d = mirror.d, t.e = mirror.e, t.f = mirror.f WHERE id = :k;
\endif
