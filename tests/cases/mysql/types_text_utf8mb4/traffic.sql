\set k random(1, 130)
\set s random(1, 15)
\set op random(1, 3)
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, c, v, tt, tx, m, l) SELECT :k, :s, c, v, tt, tx, m, l FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM t WHERE id = :k);
INSERT INTO mirror (id, small, c, v, tt, tx, m, l) SELECT :k, :s, c, v, tt, tx, m, l FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM mirror WHERE id = :k);
\else
UPDATE t JOIN samples ON s = :s SET t.c = samples.c, t.v = samples.v, t.tt = samples.tt, t.tx = samples.tx, t.m = samples.m, t.l = samples.l WHERE id = :k;
UPDATE mirror JOIN samples ON s = :s SET mirror.c = samples.c, mirror.v = samples.v, mirror.tt = samples.tt, mirror.tx = samples.tx, mirror.m = samples.m, mirror.l = samples.l WHERE id = :k;
\endif
