\set k random(1, 900)
\set op random(1, 3)
\set n random(1, 1000000)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
\if :op = 1
INSERT INTO t VALUES (:k % 5, 'b' || :k % 10, date '2024-01-01' + :k / 10, :n) ON CONFLICT DO NOTHING;
INSERT INTO mirror.t VALUES (:k % 5, 'b' || :k % 10, date '2024-01-01' + :k / 10, :n) ON CONFLICT DO NOTHING;
\elif :op = 2
UPDATE t SET n = :n WHERE (a, b, c) = (:k % 5, 'b' || :k % 10, date '2024-01-01' + :k / 10);
UPDATE mirror.t SET n = :n WHERE (a, b, c) = (:k % 5, 'b' || :k % 10, date '2024-01-01' + :k / 10);
\elif :op = 3
DELETE FROM t WHERE (a, b, c) = (:k % 5, 'b' || :k % 10, date '2024-01-01' + :k / 10);
DELETE FROM mirror.t WHERE (a, b, c) = (:k % 5, 'b' || :k % 10, date '2024-01-01' + :k / 10);
\endif
COMMIT;
