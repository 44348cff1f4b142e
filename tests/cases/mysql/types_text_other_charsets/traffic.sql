\set k random(1, 250)
\set s random(1, 5)
\set op random(1, 3)
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, a, b, c, d, e, f, g, h, asc7, j, k, l, m, n, o) SELECT :k, :s, a, b, c, d, e, f, g, h, asc7, j, k, l, m, n, o FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM t WHERE id = :k);
INSERT INTO mirror (id, small, a, b, c, d, e, f, g, h, asc7, j, k, l, m, n, o) SELECT :k, :s, a, b, c, d, e, f, g, h, asc7, j, k, l, m, n, o FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM mirror WHERE id = :k);
\else
UPDATE t JOIN samples ON s = :s SET t.a = samples.a, t.b = samples.b, t.c = samples.c, t.d = samples.d, t.e = samples.e, t.f = samples.f, t.g = samples.g, t.h = samples.h, t.asc7 = samples.asc7, t.j = samples.j, t.k = samples.k, t.l = samples.l, t.m = samples.m, t.n = samples.n, t.o = samples.o WHERE id = :k;
UPDATE mirror JOIN samples ON s = :s SET mirror.a = samples.a, mirror.b = samples.b, mirror.c = samples.c, mirror.d = samples.d, mirror.e = samples.e, mirror.f = samples.f, mirror.g = samples.g, mirror.h = samples.h, mirror.asc7 = samples.asc7, mirror.j = samples.j, mirror.k = samples.k, mirror.l = samples.l, mirror.m = samples.m, mirror.n = samples.n, mirror.o = samples.o WHERE id = :k;
\endif
