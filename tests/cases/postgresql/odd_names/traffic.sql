\set k random(1, 350)
\set op random(1, 2)
BEGIN;
SELECT pg_advisory_xact_lock(:k);
SET LOCAL search_path = "Select ""the"" schema.x";
\if :op = 1
UPDATE "Table.with ""quotes"", and 'apostrophes' of sixty-three byte" SET "from" = "from" + 1, "Ünïcode 表 имя" = 'Ü' WHERE "select" = :k;
UPDATE mirror.t SET "from" = "from" + 1, "Ünïcode 表 имя" = 'Ü' WHERE "select" = :k;
\else
INSERT INTO "Table.with ""quotes"", and 'apostrophes' of sixty-three byte" ("select", "from", "x.y") VALUES (:k, 1, 'x.' || :k) ON CONFLICT DO NOTHING;
INSERT INTO mirror.t ("select", "from", "x.y") VALUES (:k, 1, 'x.' || :k) ON CONFLICT DO NOTHING;
\endif
COMMIT;
