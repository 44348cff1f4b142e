\set k random(1, 600)
\set op random(1, 3)
\set n random(1, 1000000)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
INSERT INTO t VALUES ((ARRAY['z', 'm', 'a'])[1 + :k % 3]::mood, decode(md5(:k::text), 'hex'), :n) ON CONFLICT DO NOTHING;
INSERT INTO mirror.t VALUES ((ARRAY['z', 'm', 'a'])[1 + :k % 3]::mood, decode(md5(:k::text), 'hex'), :n) ON CONFLICT DO NOTHING;
\elif :op = 2
UPDATE t SET n = :n WHERE (a, b) = ((ARRAY['z', 'm', 'a'])[1 + :k % 3]::mood, decode(md5(:k::text), 'hex'));
UPDATE mirror.t SET n = :n WHERE (a, b) = ((ARRAY['z', 'm', 'a'])[1 + :k % 3]::mood, decode(md5(:k::text), 'hex'));
\elif :op = 3
DELETE FROM t WHERE (a, b) = ((ARRAY['z', 'm', 'a'])[1 + :k % 3]::mood, decode(md5(:k::text), 'hex'));
DELETE FROM mirror.t WHERE (a, b) = ((ARRAY['z', 'm', 'a'])[1 + :k % 3]::mood, decode(md5(:k::text), 'hex'));
\endif
COMMIT;
