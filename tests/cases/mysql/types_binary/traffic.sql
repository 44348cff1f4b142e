\set k random(1, 110)
\set s random(1, 8)
\set op random(1, 3)
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, b1, b4, b255, v, v2, tb, b, mb, lb) SELECT :k, :s, b1, b4, b255, v, v2, tb, b, mb, lb FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM t WHERE id = :k);
INSERT INTO mirror (id, small, b1, b4, b255, v, v2, tb, b, mb, lb) SELECT :k, :s, b1, b4, b255, v, v2, tb, b, mb, lb FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM mirror WHERE id = :k);
\else
UPDATE t JOIN samples ON s = :s SET t.b1 = samples.b1, t.b4 = samples.b4, t.b255 = samples.b255, t.v = samples.v, t.v2 = samples.v2, t.tb = samples.tb, t.b = samples.b, t.mb = samples.mb, t.lb = samples.lb WHERE id = :k;
UPDATE mirror JOIN samples ON s = :s SET mirror.b1 = samples.b1, mirror.b4 = samples.b4, mirror.b255 = samples.b255, mirror.v = samples.v, mirror.v2 = samples.v2, mirror.tb = samples.tb, mirror.b = samples.b, mirror.mb = samples.mb, mirror.lb = samples.lb WHERE id = :k;
\endif
