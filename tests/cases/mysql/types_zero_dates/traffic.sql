\set k random(1, 250)
\set s random(1, 5)
\set op random(1, 3)
SET sql_mode = 'ALLOW_INVALID_DATES';
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, d, dt, dt6, ts, ts6, nn, dd, y) SELECT :k, :s, d, dt, dt6, ts, ts6, nn, dd, y FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM t WHERE id = :k);
INSERT INTO mirror (id, small, d, dt, dt6, ts, ts6, nn, dd, y) SELECT :k, :s, d, dt, dt6, ts, ts6, nn, dd, y FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM mirror WHERE id = :k);
\else
UPDATE t JOIN samples ON s = :s SET t.d = samples.d, t.dt = samples.dt, t.dt6 = samples.dt6, t.ts = samples.ts, t.ts6 = samples.ts6, t.nn = samples.nn, t.dd = samples.dd, t.y = samples.y WHERE id = :k;
UPDATE mirror JOIN samples ON s = :s SET mirror.d = samples.d, mirror.dt = samples.dt, mirror.dt6 = samples.dt6, mirror.ts = samples.ts, mirror.ts6 = samples.ts6, mirror.nn = samples.nn, mirror.dd = samples.dd, mirror.y = samples.y WHERE id = :k;
\endif
