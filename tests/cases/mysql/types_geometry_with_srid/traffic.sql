\set k random(1, 250)
\set s random(1, 4)
\set op random(1, 3)
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, g, p, q, z) SELECT :k, :s, g, p, q, z FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM t WHERE id = :k);
INSERT INTO mirror (id, small, g, p, q, z) SELECT :k, :s, g, p, q, z FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM mirror WHERE id = :k);
\else
UPDATE t JOIN samples ON s = :s SET t.g = samples.g, t.p = samples.p, t.q = samples.q, t.z = samples.z WHERE id = :k;
UPDATE mirror JOIN samples ON s = :s SET mirror.g = samples.g, mirror.p = samples.p, mirror.q = samples.q, mirror.z = samples.z WHERE id = :k;
\endif
