\set k random(1, 600)
\set op random(1, 3)
\set n random(1, 1000000)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
INSERT INTO t VALUES (timestamptz '2024-03-31 00:30+01' + :k * interval '7 minutes', :n) ON CONFLICT DO NOTHING;
INSERT INTO mirror.t VALUES (timestamptz '2024-03-31 00:30+01' + :k * interval '7 minutes', :n) ON CONFLICT DO NOTHING;
\elif :op = 2
UPDATE t SET n = :n WHERE id = timestamptz '2024-03-31 00:30+01' + :k * interval '7 minutes';
UPDATE mirror.t SET n = :n WHERE id = timestamptz '2024-03-31 00:30+01' + :k * interval '7 minutes';
\elif :op = 3
DELETE FROM t WHERE id = timestamptz '2024-03-31 00:30+01' + :k * interval '7 minutes';
DELETE FROM mirror.t WHERE id = timestamptz '2024-03-31 00:30+01' + :k * interval '7 minutes';
\endif
COMMIT;
