\set k random(1, 5000)
\set l random(1, 5000)
\set op random(1, 4)
BEGIN;
SELECT pg_advisory_xact_lock(0);
\if :op <= 2
UPDATE t SET id = :l WHERE id = :k AND NOT EXISTS (SELECT FROM t WHERE id = :l);
UPDATE mirror.t SET id = :l WHERE id = :k AND NOT EXISTS (SELECT FROM mirror.t WHERE id = :l);
\elif :op = 3
INSERT INTO t SELECT :k, :l, repeat(:k || '-', 3000) ON CONFLICT (id) DO UPDATE SET n = excluded.n;
INSERT INTO mirror.t SELECT :k, :l, repeat(:k || '-', 3000) ON CONFLICT (id) DO UPDATE SET n = excluded.n;
\else
DELETE FROM t WHERE id = :k;
DELETE FROM mirror.t WHERE id = :k;
\endif
COMMIT;
