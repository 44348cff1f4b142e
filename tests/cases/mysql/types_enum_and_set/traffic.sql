\set k random(1, 250)
\set s random(1, 11)
\set op random(1, 3)
SET sql_mode = '';
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, e, e2, s64, s2, e3, s3) SELECT :k, :s, e, e2, s64, s2, e3, s3 FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM t WHERE id = :k);
INSERT INTO mirror (id, small, e, e2, s64, s2, e3, s3) SELECT :k, :s, e, e2, s64, s2, e3, s3 FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM mirror WHERE id = :k);
\else
UPDATE t JOIN samples ON s = :s SET t.e = samples.e, t.e2 = samples.e2, t.s64 = samples.s64, t.s2 = samples.s2, t.e3 = samples.e3, t.s3 = samples.s3 WHERE id = :k;
UPDATE mirror JOIN samples ON s = :s SET mirror.e = samples.e, mirror.e2 = samples.e2, mirror.s64 = samples.s64, mirror.s2 = samples.s2, mirror.e3 = samples.e3, mirror.s3 = samples.s3 WHERE id = :k;
\endif
