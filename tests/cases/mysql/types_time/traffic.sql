\set k random(1, 250)
\set s random(1, 5)
\set op random(1, 3)
\if :op = 1
DELETE FROM t WHERE id = :k;
DELETE FROM mirror WHERE id = :k;
\elif :op = 2
INSERT INTO t (id, small, d, t0, t1, t3, t6, dt0, dt2, dt5, dt6, ts0, ts3, ts6, y) SELECT :k, :s, d, t0, t1, t3, t6, dt0, dt2, dt5, dt6, ts0, ts3, ts6, y FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM t WHERE id = :k);
INSERT INTO mirror (id, small, d, t0, t1, t3, t6, dt0, dt2, dt5, dt6, ts0, ts3, ts6, y) SELECT :k, :s, d, t0, t1, t3, t6, dt0, dt2, dt5, dt6, ts0, ts3, ts6, y FROM samples WHERE s = :s AND NOT EXISTS (SELECT 1 FROM mirror WHERE id = :k);
\else
UPDATE t JOIN samples ON s = :s SET t.d = samples.d, t.t0 = samples.t0, t.t1 = samples.t1, t.t3 = samples.t3, t.t6 = samples.t6, t.dt0 = samples.dt0, t.dt2 = samples.dt2, t.dt5 = samples.dt5, t.dt6 = samples.dt6, t.ts0 = samples.ts0, t.ts3 = samples.ts3, t.ts6 = samples.ts6, t.y = samples.y WHERE id = :k;
UPDATE mirror JOIN samples ON s = :s SET mirror.d = samples.d, mirror.t0 = samples.t0, mirror.t1 = samples.t1, mirror.t3 = samples.t3, mirror.t6 = samples.t6, mirror.dt0 = samples.dt0, mirror.dt2 = samples.dt2, mirror.dt5 = samples.dt5, mirror.dt6 = samples.dt6, mirror.ts0 = samples.ts0, mirror.ts3 = samples.ts3, mirror.ts6 = samples.ts6, mirror.y = samples.y WHERE id = :k;
\endif
