\set k random(1, 170)
\set s random(1, 19)
\set op random(1, 3)
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, j, j2) SELECT :k, :s, j, j2 FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM t WHERE id = :k);
INSERT INTO mirror (id, small, j, j2) SELECT :k, :s, j, j2 FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM mirror WHERE id = :k);
\else
UPDATE t JOIN samples ON s = :s SET t.j = samples.j, t.j2 = samples.j2 WHERE id = :k;
UPDATE mirror JOIN samples ON s = :s SET mirror.j = samples.j, mirror.j2 = samples.j2 WHERE id = :k;
\endif
