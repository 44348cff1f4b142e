\set k random(1, 250)
\set s random(1, 4)
\set op random(1, 3)
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, v, v2) SELECT :k, :s, v, v2 FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM t WHERE id = :k);
INSERT INTO mirror (id, small, v, v2) SELECT :k, :s, v, v2 FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM mirror WHERE id = :k);
\else
UPDATE t JOIN samples ON s = :s SET t.v = samples.v, t.v2 = samples.v2 WHERE id = :k;
UPDATE mirror JOIN samples ON s = :s SET mirror.v = samples.v, mirror.v2 = samples.v2 WHERE id = :k;
\endif
