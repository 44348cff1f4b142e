\set k random(1, 120)
\set op random(1, 3)
\set n random(1, 1000000)
\set p random(1, 6)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
INSERT INTO t VALUES (substr('aäAZzß', :p, 1) || :k, :n) ON CONFLICT DO NOTHING;
INSERT INTO mirror.t VALUES (substr('aäAZzß', :p, 1) || :k, :n) ON CONFLICT DO NOTHING;
\elif :op = 2
UPDATE t SET n = :n WHERE id = substr('aäAZzß', :p, 1) || :k;
UPDATE mirror.t SET n = :n WHERE id = substr('aäAZzß', :p, 1) || :k;
\elif :op = 3
DELETE FROM t WHERE id = substr('aäAZzß', :p, 1) || :k;
DELETE FROM mirror.t WHERE id = substr('aäAZzß', :p, 1) || :k;
\endif
COMMIT;
