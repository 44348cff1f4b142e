\set k random(1, 250)
\set s random(1, 5)
\set op random(1, 3)
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, a, b, c, d, e, f, g, h, i8, j, k, z, b1, b7, b64, y) SELECT :k, :s, a, b, c, d, e, f, g, h, i8, j, k, z, b1, b7, b64, y FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM t WHERE id = :k);
INSERT INTO mirror (id, small, a, b, c, d, e, f, g, h, i8, j, k, z, b1, b7, b64, y) SELECT :k, :s, a, b, c, d, e, f, g, h, i8, j, k, z, b1, b7, b64, y FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM mirror WHERE id = :k);
\else
UPDATE t JOIN samples ON s = :s SET t.a = samples.a, t.b = samples.b, t.c = samples.c, t.d = samples.d, t.e = samples.e, t.f = samples.f, t.g = samples.g, t.h = samples.h, t.i8 = samples.i8, t.j = samples.j, t.k = samples.k, t.z = samples.z, t.b1 = samples.b1, t.b7 = samples.b7, t.b64 = samples.b64, t.y = samples.y WHERE id = :k;
UPDATE mirror JOIN samples ON s = :s SET mirror.a = samples.a, mirror.b = samples.b, mirror.c = samples.c, mirror.d = samples.d, mirror.e = samples.e, mirror.f = samples.f, mirror.g = samples.g, mirror.h = samples.h, mirror.i8 = samples.i8, mirror.j = samples.j, mirror.k = samples.k, mirror.z = samples.z, mirror.b1 = samples.b1, mirror.b7 = samples.b7, mirror.b64 = samples.b64, mirror.y = samples.y WHERE id = :k;
\endif
