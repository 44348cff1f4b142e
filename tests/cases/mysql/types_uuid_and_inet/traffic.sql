\set k random(1, 250)
\set s random(1, 6)
\set op random(1, 3)
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, u, i4, i6) SELECT :k, :s, u, i4, i6 FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM t WHERE id = :k);
INSERT INTO mirror (id, small, u, i4, i6) SELECT :k, :s, u, i4, i6 FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM mirror WHERE id = :k);
\else
UPDATE t JOIN samples ON s = :s SET t.u = samples.u, t.i4 = samples.i4, t.i6 = samples.i6 WHERE id = :k;
UPDATE mirror JOIN samples ON s = :s SET mirror.u = samples.u, mirror.i4 = samples.i4, mirror.i6 = samples.i6 WHERE id = :k;
\endif
