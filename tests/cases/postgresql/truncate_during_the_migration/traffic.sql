\set k random(1, 400)
\set n random(1, 1000000)
\set op random(1, 300)
BEGIN;
SELECT pg_advisory_xact_lock(0);
\if :op = 1
TRUNCATE t;
TRUNCATE mirror.t;
\else
INSERT INTO t VALUES (:k, :n) ON CONFLICT (id) DO UPDATE SET n = excluded.n;
INSERT INTO mirror.t VALUES (:k, :n) ON CONFLICT (id) DO UPDATE SET n = excluded.n;
\endif
COMMIT;
