-- Names with quotes, dots, blanks, upper case, other scripts, reserved words, and of 63 bytes.
CREATE SCHEMA "Select ""the"" schema.x";
SET search_path = "Select ""the"" schema.x";
CREATE TABLE "Table.with ""quotes"", and 'apostrophes' of sixty-three byte" (
    "select" integer, "from" integer, "Ünïcode 表 имя" text, "x.y" text DEFAULT 'd''q', "a\b%s$1" text,
    "column_name_that_is_exactly_sixty_three_bytes_long_0123456789_ab" text,
    CONSTRAINT "Primary.Key ""x""" PRIMARY KEY ("select", "x.y"),
    CONSTRAINT "check; --" CHECK ("from" > 0));
CREATE INDEX "Index of ""t""" ON "Table.with ""quotes"", and 'apostrophes' of sixty-three byte" ("Ünïcode 表 имя" DESC, lower("a\b%s$1"));
CREATE INDEX "index_name_that_is_exactly_sixty_three_bytes_long_0123456789_abc" ON "Table.with ""quotes"", and 'apostrophes' of sixty-three byte" ("from");
CREATE VIEW "View ""v""" AS SELECT "select", "x.y" AS "a""b" FROM "Table.with ""quotes"", and 'apostrophes' of sixty-three byte";
COMMENT ON COLUMN "Table.with ""quotes"", and 'apostrophes' of sixty-three byte"."x.y" IS 'it''s a "comment" \ with $1';
GRANT SELECT ("x.y") ON "Table.with ""quotes"", and 'apostrophes' of sixty-three byte" TO "Case ""Role"" with, odd name";
INSERT INTO "Table.with ""quotes"", and 'apostrophes' of sixty-three byte"
SELECT i, i, 'ü' || i, 'x.' || i, '\' || i, 'c' || i FROM generate_series(1, 300) AS i;
