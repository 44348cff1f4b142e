\set k random(1, 250)
\set s random(1, 8)
\set op random(1, 3)
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, d1, d2, d3, d4, d5, d6, d7, d8, f, g, fu, f2, g2) SELECT :k, :s, d1, d2, d3, d4, d5, d6, d7, d8, f, g, fu, f2, g2 FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM t WHERE id = :k);
INSERT INTO mirror (id, small, d1, d2, d3, d4, d5, d6, d7, d8, f, g, fu, f2, g2) SELECT :k, :s, d1, d2, d3, d4, d5, d6, d7, d8, f, g, fu, f2, g2 FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM mirror WHERE id = :k);
\else
UPDATE t JOIN samples ON s = :s SET t.d1 = samples.d1, t.d2 = samples.d2, t.d3 = samples.d3, t.d4 = samples.d4, t.d5 = samples.d5, t.d6 = samples.d6, t.d7 = samples.d7, t.d8 = samples.d8, t.f = samples.f, t.g = samples.g, t.fu = samples.fu, t.f2 = samples.f2, t.g2 = samples.g2 WHERE id = :k;
UPDATE mirror JOIN samples ON s = :s SET mirror.d1 = samples.d1, mirror.d2 = samples.d2, mirror.d3 = samples.d3, mirror.d4 = samples.d4, mirror.d5 = samples.d5, mirror.d6 = samples.d6, mirror.d7 = samples.d7, mirror.d8 = samples.d8, mirror.f = samples.f, mirror.g = samples.g, mirror.fu = samples.fu, mirror.f2 = samples.f2, mirror.g2 = samples.g2 WHERE id = :k;
\endif
