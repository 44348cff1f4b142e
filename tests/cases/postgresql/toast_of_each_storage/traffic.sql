\set k random(1, 170)
\set op random(1, 5)
\set n random(1, 1000000)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
UPDATE t SET n = :n WHERE id = :k;
UPDATE mirror.t SET n = :n WHERE id = :k;
\elif :op = 2
UPDATE t SET e = long_text(:n, 5000), m = NULL WHERE id = :k;
UPDATE mirror.t SET e = long_text(:n, 5000), m = NULL WHERE id = :k;
\elif :op = 3
UPDATE t SET x = long_text(:n, 9000), j = j || '{"b": 1}' WHERE id = :k;
UPDATE mirror.t SET x = long_text(:n, 9000), j = j || '{"b": 1}' WHERE id = :k;
\elif :op = 4
DELETE FROM t WHERE id = :k;
DELETE FROM mirror.t WHERE id = :k;
\else
INSERT INTO t SELECT :k, :n, 'p', long_text(:n, 3000), long_text(:n, 4000), long_text(:n, 4000), '{}', '' ON CONFLICT DO NOTHING;
INSERT INTO mirror.t SELECT :k, :n, 'p', long_text(:n, 3000), long_text(:n, 4000), long_text(:n, 4000), '{}', '' ON CONFLICT DO NOTHING;
\endif
COMMIT;
