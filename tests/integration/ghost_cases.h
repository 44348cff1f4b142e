/* Tables and ALTERs for test_ghost.c. */
#ifndef SC_TESTS_INTEGRATION_GHOST_CASES_H
#define SC_TESTS_INTEGRATION_GHOST_CASES_H

#include <stdbool.h>
#include <stddef.h>

struct ghost_case {
    const char *name;  /* a sentence */
    const char *setup; /* SQL; makes table t, unless `table` says otherwise */
    const char *alter;
    const char *refused; /* part of the reason; NULL: must work and equal the native ALTER */
    const char *table;
    const char
        *after; /* SQL run right behind the swap, while the old table is still there, and behind the native ALTER */
    const char *superuser_setup; /* before setup, by the superuser */
    bool as_owner;               /* by a role that is no superuser */
    int from_version;
};

#define ROWS "INSERT INTO t SELECT i, 'row ' || i, i * 10 FROM generate_series(1, 100) i;"
#define PLAIN "CREATE TABLE t (id int PRIMARY KEY, name text, amount int);" ROWS

static const struct ghost_case ghost_cases[] = {
    /* --- columns */
    {.name = "a column is added", .setup = PLAIN, .alter = "ADD COLUMN region text NOT NULL DEFAULT 'eu'"},
    {.name = "a column is added, empty", .setup = PLAIN, .alter = "ADD COLUMN region text"},
    {.name = "an added column's default sees each row",
     .setup = PLAIN,
     .alter = "ADD COLUMN n int GENERATED ALWAYS AS (amount * 2) STORED"},
    {.name = "an added serial has a sequence of its own", .setup = PLAIN, .alter = "ADD COLUMN number bigserial"},
    {.name = "an added identity has a sequence of its own",
     .setup = PLAIN,
     .alter = "ADD COLUMN number int GENERATED ALWAYS AS IDENTITY"},
    {.name = "a column is dropped", .setup = PLAIN, .alter = "DROP COLUMN amount"},
    {.name = "a column is renamed", .setup = PLAIN, .alter = "RENAME COLUMN amount TO cents"},
    {.name = "a key column is renamed", .setup = PLAIN, .alter = "RENAME id TO number"},
    {.name = "the key grows", .setup = PLAIN, .alter = "ALTER COLUMN id TYPE bigint"},
    {.name = "a column is dropped and another takes its name",
     .setup = PLAIN,
     .alter = "DROP COLUMN amount, ADD COLUMN amount bigint DEFAULT 7"},
    {.name = "several things at once",
     .setup = PLAIN "CREATE INDEX t_name ON t (name); CREATE INDEX t_amount ON t (amount);",
     .alter = "ALTER id TYPE bigint, ALTER amount TYPE numeric(12,2) USING amount / 100.0, ADD CHECK (amount > 0), "
              "ALTER name SET NOT NULL, ADD UNIQUE (name)"},
    {.name = "a table that had dropped columns",
     .setup = "CREATE TABLE t (gone1 int, id int PRIMARY KEY, gone2 text, name text, amount int, CHECK (amount > 0));"
              "ALTER TABLE t DROP gone1, DROP gone2; CREATE INDEX ON t (amount, lower(name));" ROWS,
     .alter = "ALTER COLUMN amount TYPE bigint"},
    {.name = "storage, compression, statistics and options of columns",
     .setup = PLAIN "ALTER TABLE t ALTER name SET STORAGE EXTERNAL, ALTER name SET COMPRESSION pglz, ALTER amount SET "
                    "STATISTICS 500, ALTER name SET (n_distinct = -0.5, n_distinct_inherited = 100);",
     .alter = "ADD COLUMN more text"},
    {.name = "storage parameters of the table and its TOAST table",
     .setup = PLAIN "ALTER TABLE t SET (fillfactor = 70, autovacuum_enabled = false, toast.autovacuum_enabled = false, "
                    "autovacuum_vacuum_scale_factor = 0.05, toast_tuple_target = 4096);",
     .alter = "ALTER amount TYPE bigint"},
    {.name = "every kind of type",
     .setup =
         "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE pair AS (a int, b text); CREATE DOMAIN positive AS "
         "int CHECK (VALUE > 0); CREATE TABLE t (id int PRIMARY KEY, m mood, p pair, d positive, a int[][], v "
         "varchar(10)[], n numeric(10,2), c char(5) COLLATE \"C\", i interval day to second(3), ts timestamptz(3), "
         "b bit(3), vb varbit(7), r int4range, mr int4multirange, j jsonb, u uuid, x bytea, e \"char\", na name, "
         "f float4, g float8, mo money, ip inet, k macaddr, ls lseg, tv tsvector, l pg_lsn, tm time(2), tz timetz, o "
         "oid);"
         "INSERT INTO t VALUES (1, 'ok', '(1,x)', 3, '{{1,2},{3,4}}', '{a,b}', 1.50, 'ab', '1 day 2:03:04.5678', "
         "'2020-01-01 12:34:56.789+02', '101', '1011', '[1,5)', '{[1,2),[5,7)}', '{\"a\": 1}', "
         "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\\x0001', 'q', 'nm', 'NaN', 1e300, 12.34, '10.0.0.1/8', "
         "'08:00:2b:01:02:03', '[(0,0),(1,1)]', 'a:1 b:2', '0/1', '12:34:56.789', '12:34:56+02', 4000000000);"
         "INSERT INTO t (id) VALUES (2);",
     .alter = "ADD COLUMN more mood DEFAULT 'sad'"},
    {.name = "names that need quoting",
     .setup =
         "CREATE SCHEMA \"My Schema\"; CREATE TABLE \"My Schema\".\"T \"\"x\"\" %s\" (\"Id\" int, \"select\" text, "
         "\"a b\" int CHECK (\"a b\" > 0), PRIMARY KEY (\"Id\")); CREATE INDEX \"In dex\" ON \"My Schema\".\"T "
         "\"\"x\"\" %s\" (\"a b\"); INSERT INTO \"My Schema\".\"T \"\"x\"\" %s\" VALUES (1, 'x', 2); COMMENT ON "
         "COLUMN \"My Schema\".\"T \"\"x\"\" %s\".\"a b\" IS 'it''s'",
     .table = "\"My Schema\".\"T \"\"x\"\" %s\"",
     .alter = "ALTER \"a b\" TYPE bigint, RENAME COLUMN \"select\" TO \"from\"",
     .refused = "syntax error"},
    {.name = "names that need quoting, with an ALTER the server takes",
     .setup =
         "CREATE SCHEMA \"My Schema\"; CREATE TABLE \"My Schema\".\"T \"\"x\"\" %s\" (\"Id\" int, \"select\" text, "
         "\"a b\" int CHECK (\"a b\" > 0), PRIMARY KEY (\"Id\")); CREATE INDEX \"In dex\" ON \"My Schema\".\"T "
         "\"\"x\"\" %s\" (\"a b\"); INSERT INTO \"My Schema\".\"T \"\"x\"\" %s\" VALUES (1, 'x', 2); COMMENT ON "
         "COLUMN \"My Schema\".\"T \"\"x\"\" %s\".\"a b\" IS 'it''s'",
     .table = "\"My Schema\".\"T \"\"x\"\" %s\"",
     .alter = "ALTER \"a b\" TYPE bigint, ADD \"where\" int"},

    /* --- USING */
    {.name = "USING reads other columns as they were",
     .setup = "CREATE TABLE t (id int PRIMARY KEY, a int, b int); INSERT INTO t SELECT i, i, i * 2 FROM "
              "generate_series(1, 50) i;",
     .alter = "ALTER a TYPE text USING 'a' || b || ',' || t.a, ALTER b TYPE bigint USING a + b"},
    {.name = "USING calls a function of the operator's path",
     .setup = "CREATE FUNCTION twice(i int) RETURNS bigint LANGUAGE sql AS 'SELECT 2 * i::bigint';" PLAIN,
     .alter = "ALTER amount TYPE bigint USING twice(amount)"},
    {.name = "USING is a constant", .setup = PLAIN, .alter = "ALTER amount TYPE text USING 'abc'"},
    {.name = "USING is a constant of another type",
     .setup = PLAIN,
     .alter = "ALTER amount TYPE date USING '2020-02-03'"},
    {.name = "USING is NULL", .setup = PLAIN, .alter = "ALTER amount TYPE bigint USING NULL"},
    {.name = "USING with commas, brackets and comments",
     .setup = PLAIN,
     .alter =
         "ALTER amount TYPE int[] /* a, b */ USING ARRAY[amount, length(name), coalesce(amount, 1)] -- c, d\n, ADD "
         "x int"},
    {.name = "USING of the whole row", .setup = PLAIN, .alter = "ALTER name TYPE text USING t::text"},
    {.name = "USING depends on the time zone",
     .setup = "CREATE TABLE t (id int PRIMARY KEY, at timestamp); INSERT INTO t VALUES (1, '2020-06-01 12:00');",
     .alter = "ALTER at TYPE timestamptz USING at AT TIME ZONE 'Europe/Vienna'"},
    {.name = "a collation changes",
     .setup = PLAIN "CREATE INDEX ON t (name);",
     .alter = "ALTER name TYPE text COLLATE \"C\" USING upper(name)"},
    {.name = "a USING that does not fit is refused in the server's words",
     .setup = PLAIN,
     .alter = "ALTER name TYPE int",
     .refused = "cannot be cast automatically"},
    {.name = "a USING that reads a generated column is refused",
     .setup = "CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a + 1) STORED);",
     .alter = "ALTER a TYPE bigint USING g",
     .refused = "generated column"},

    /* --- keys */
    {.name = "a key of two columns",
     .setup = "CREATE TABLE t (a int, b text, c int, PRIMARY KEY (b, a)); INSERT INTO t SELECT i, i % 7, i FROM "
              "generate_series(1, 50) i;",
     .alter = "ALTER a TYPE bigint"},
    {.name = "a key with INCLUDE, deferrable unique constraints and indexes of all kinds",
     .setup = "CREATE TABLE t (id int, name text, amount int, PRIMARY KEY (id) INCLUDE (amount), CONSTRAINT u UNIQUE "
              "(name) DEFERRABLE INITIALLY DEFERRED, "
              "CONSTRAINT un UNIQUE NULLS NOT DISTINCT (amount) INCLUDE (name) WITH (fillfactor = 80));" ROWS
              "CREATE INDEX part ON t (amount) WHERE amount > 10 AND name <> 'x'; CREATE INDEX expr ON t (lower(name) "
              "text_pattern_ops DESC NULLS LAST, (amount + 1)) INCLUDE (id); CREATE INDEX ha ON t USING hash (name); "
              "CREATE INDEX br ON t USING brin (id) "
              "WITH (pages_per_range = 16); CREATE INDEX gi ON t USING gin (to_tsvector('english', name)); CREATE "
              "UNIQUE INDEX uq ON t (lower(name)) WHERE amount > 0; CREATE INDEX co ON t (name COLLATE \"C\");"
              "ALTER INDEX expr ALTER COLUMN 1 SET STATISTICS 300; COMMENT ON INDEX part IS 'p'; COMMENT ON CONSTRAINT "
              "u ON t IS 'uu'; COMMENT ON CONSTRAINT t_pkey ON t IS 'pk'",
     .alter = "ALTER id TYPE bigint",
     .refused = NULL,
     .from_version = 150000},
    {.name = "the cluster mark stays",
     .setup = PLAIN "CREATE INDEX ix ON t (amount); ALTER TABLE t CLUSTER ON ix;",
     .alter = "ALTER amount TYPE bigint"},
    {.name = "an exclusion constraint",
     .setup = "CREATE TABLE t (id int PRIMARY KEY, r int4range, CONSTRAINT no_overlap EXCLUDE USING gist (r WITH &&) "
              "WHERE (id > 0) DEFERRABLE); INSERT INTO t SELECT i, int4range(i, i + 1) FROM generate_series(1, 20) i; "
              "COMMENT ON CONSTRAINT no_overlap ON t IS 'x'",
     .alter = "ALTER id TYPE bigint"},
    {.name = "identity by an index",
     .setup = "CREATE TABLE t (a int NOT NULL, b text); CREATE UNIQUE INDEX ta ON t (a); ALTER TABLE t REPLICA "
              "IDENTITY USING INDEX ta; INSERT INTO t VALUES (1, 'x');",
     .alter = "ALTER b TYPE varchar(10)"},
    {.name = "identity FULL",
     .setup = PLAIN "ALTER TABLE t REPLICA IDENTITY FULL;",
     .alter = "ALTER amount TYPE bigint"},
    {.name = "the primary key is replaced by another on the same column",
     .setup = PLAIN,
     .alter = "DROP CONSTRAINT t_pkey, ADD CONSTRAINT new_pk PRIMARY KEY (id, name)"},
    {.name = "the primary key is dropped", .setup = PLAIN, .alter = "DROP CONSTRAINT t_pkey"},
    {.name = "a table without a key is refused",
     .setup = "CREATE TABLE t (a int)",
     .alter = "ADD b int",
     .refused = "it has no key"},
    {.name = "a unique index that could be the identity is named",
     .setup = "CREATE TABLE t (a int NOT NULL UNIQUE)",
     .alter = "ADD b int",
     .refused = "REPLICA IDENTITY USING INDEX \"t_a_key\""},
    {.name = "a deferrable primary key is refused",
     .setup = "CREATE TABLE t (a int PRIMARY KEY DEFERRABLE)",
     .alter = "ADD b int",
     .refused = "deferrable"},
    {.name = "dropping a key column is refused", .setup = PLAIN, .alter = "DROP COLUMN id", .refused = "key"},
    {.name = "computing a key column is refused",
     .setup = PLAIN,
     .alter = "ALTER id TYPE bigint USING id % 10",
     .refused = "key"},
    {.name = "a key that could collapse is refused: numeric to integer",
     .setup = "CREATE TABLE t (id numeric PRIMARY KEY); INSERT INTO t VALUES (1.2), (1.4);",
     .alter = "ALTER id TYPE int",
     .refused = "two rows"},
    {.name = "a key that could collapse is refused: fewer digits",
     .setup = "CREATE TABLE t (id numeric(10,4) PRIMARY KEY);",
     .alter = "ALTER id TYPE numeric(10,2)",
     .refused = "two rows"},
    {.name = "a key that could collapse is refused: local time to an instant",
     .setup = "CREATE TABLE t (id timestamp PRIMARY KEY);",
     .alter = "ALTER id TYPE timestamptz",
     .refused = "two rows"},
    {.name = "a key that could collapse is refused: shorter text",
     .setup = "CREATE TABLE t (id varchar(10) PRIMARY KEY);",
     .alter = "ALTER id TYPE varchar(5)",
     .refused = "two rows"},
    {.name = "a key that could collapse is refused: another collation",
     .setup = "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); CREATE TABLE t "
              "(id text PRIMARY KEY);",
     .alter = "ALTER id TYPE text COLLATE ci",
     .refused = "two rows"},
    {.name = "keys that stay apart: varchar grows, text, uuid to text",
     .setup =
         "CREATE TABLE t (a varchar(10), b varchar(5), c uuid, d numeric(5,2), e date, f real, PRIMARY KEY (a, b, c, "
         "d, e, f)); INSERT INTO t VALUES ('a', 'b', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 1.25, '2020-01-01', 0.1);",
     .alter = "ALTER a TYPE varchar(20), ALTER b TYPE text, ALTER c TYPE text, ALTER d TYPE numeric, ALTER e TYPE "
              "timestamp, ALTER f TYPE double precision"},
    {.name = "a key whose domain goes away",
     .setup = "CREATE DOMAIN small AS int CHECK (VALUE < 1000); CREATE TABLE t (id small PRIMARY KEY); INSERT INTO t "
              "VALUES (1), (2);",
     .alter = "ALTER id TYPE bigint"},

    /* --- constraints */
    {.name = "checks: valid, not valid, not inherited",
     .setup = "CREATE TABLE t (id int PRIMARY KEY, name text, amount int, CONSTRAINT c1 CHECK (amount > 0), CONSTRAINT "
              "c2 CHECK (name <> '') NO INHERIT);" ROWS
              "ALTER TABLE t ADD CONSTRAINT c3 CHECK (amount > 100) NOT VALID; COMMENT ON CONSTRAINT c3 ON t IS 'not "
              "yet'; COMMENT ON CONSTRAINT c1 ON t IS 'yes'; "
              "ALTER TABLE t ADD CONSTRAINT c4 CHECK (id > 0) NOT VALID",
     .alter = "ALTER amount TYPE bigint, VALIDATE CONSTRAINT c4"},
    {.name = "a constraint is added that is not valid yet",
     .setup = PLAIN,
     .alter = "ADD CONSTRAINT c CHECK (amount > 500) NOT VALID"},
    {.name = "a constraint is renamed",
     .setup = PLAIN "ALTER TABLE t ADD CONSTRAINT c CHECK (amount > 0);",
     .alter = "RENAME CONSTRAINT c TO d"},
    {.name = "foreign keys out, with all their options",
     .setup = "CREATE TABLE p (a int, b int, PRIMARY KEY (a, b)); CREATE TABLE q (id int PRIMARY KEY, u int UNIQUE); "
              "INSERT INTO p VALUES (1, 1); INSERT INTO q VALUES (1, 2);"
              "CREATE TABLE t (id int PRIMARY KEY, a int, b int, qid int REFERENCES q ON DELETE CASCADE, qu int, "
              "CONSTRAINT f2 FOREIGN KEY (a, b) REFERENCES p MATCH FULL ON UPDATE SET NULL ON DELETE SET DEFAULT "
              "DEFERRABLE INITIALLY DEFERRED,"
              " CONSTRAINT f3 FOREIGN KEY (qu) REFERENCES q (u) ON UPDATE RESTRICT); INSERT INTO t VALUES (1, 1, 1, 1, "
              "2), (2, NULL, NULL, NULL, NULL); SET CONSTRAINTS ALL IMMEDIATE;"
              "ALTER TABLE t ADD CONSTRAINT f4 FOREIGN KEY (qid) REFERENCES q NOT VALID; COMMENT ON CONSTRAINT f2 ON t "
              "IS 'two'",
     .alter = "ALTER id TYPE bigint"},
    {.name = "a foreign key's column gets another type",
     .setup = "CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1); CREATE TABLE t (id int PRIMARY KEY, pid "
              "int CONSTRAINT fk REFERENCES p ON DELETE SET NULL); INSERT INTO t VALUES (1, 1); COMMENT ON CONSTRAINT "
              "fk ON t IS 'x'",
     .alter = "ALTER pid TYPE bigint"},
    {.name = "a foreign key's column is renamed",
     .setup = "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, pid int REFERENCES p);",
     .alter = "RENAME pid TO parent"},
    {.name = "a foreign key is validated, made deferrable, renamed, dropped",
     .setup =
         "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, a int REFERENCES p, b int "
         "REFERENCES p, c int REFERENCES p); ALTER TABLE t ADD CONSTRAINT nv FOREIGN KEY (a) REFERENCES p NOT VALID;",
     .alter =
         "VALIDATE CONSTRAINT nv, ALTER CONSTRAINT t_a_fkey DEFERRABLE INITIALLY DEFERRED, DROP CONSTRAINT t_b_fkey"},
    {.name = "a foreign key is added",
     .setup = "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, pid int);",
     .alter = "ADD FOREIGN KEY (pid) REFERENCES p ON DELETE CASCADE, ADD x int REFERENCES p"},
    {.name = "a foreign key to another schema",
     .setup = "CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, pid int "
              "REFERENCES s.t);",
     .alter = "ALTER pid TYPE bigint"},
    {.name = "a foreign key to itself",
     .setup = "CREATE TABLE t (id int PRIMARY KEY, parent int REFERENCES t ON DELETE CASCADE); INSERT INTO t VALUES "
              "(1, NULL), (2, 1), (3, 2);",
     .alter = "ALTER id TYPE bigint, ALTER parent TYPE bigint"},
    {.name = "parents can be deleted after the swap, the old table does not hold them",
     .setup = "CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1); CREATE TABLE t (id int PRIMARY KEY, pid "
              "int REFERENCES p ON DELETE CASCADE); INSERT INTO t VALUES (1, 1);",
     .alter = "ADD x int",
     .after = "DELETE FROM t; DELETE FROM p;"},
    {.name = "foreign keys of others",
     .setup =
         PLAIN "CREATE TABLE c (id int PRIMARY KEY, tid int CONSTRAINT fk REFERENCES t ON DELETE CASCADE DEFERRABLE "
               "INITIALLY DEFERRED); INSERT INTO c VALUES (1, 5), (2, NULL); COMMENT ON CONSTRAINT fk ON c IS 'child';"
               "CREATE SCHEMA s; CREATE TABLE s.c (id int PRIMARY KEY, tid int REFERENCES t MATCH FULL ON UPDATE SET "
               "DEFAULT); ALTER TABLE s.c ADD CONSTRAINT nv FOREIGN KEY (id) REFERENCES t NOT VALID;",
     .alter = "ALTER id TYPE bigint"},
    {.name = "a foreign key of another follows the renamed column",
     .setup = PLAIN "CREATE TABLE c (id int PRIMARY KEY, tid int REFERENCES t);",
     .alter = "RENAME COLUMN id TO number"},
    {.name = "a foreign key of another to a unique constraint",
     .setup = "CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE, v int NOT NULL); CREATE UNIQUE INDEX tv ON t (v, u); "
              "INSERT INTO t VALUES (1, 2, 3); CREATE TABLE c (u int REFERENCES t (u), v int, FOREIGN KEY (u, v) "
              "REFERENCES t (u, v)); INSERT INTO c VALUES (2, 3);",
     .alter = "ALTER u TYPE bigint"},
    {.name = "a foreign key of another that the new type breaks is refused",
     .setup = PLAIN "CREATE TABLE c (tid int REFERENCES t);",
     .alter = "ALTER id TYPE text",
     .refused = "cannot be implemented"},
    {.name = "a foreign key of another that loses its index is refused",
     .setup = "CREATE TABLE t (id int PRIMARY KEY, u int UNIQUE); CREATE TABLE c (u int REFERENCES t (u));",
     .alter = "DROP CONSTRAINT t_u_key",
     .refused = "foreign key"},

    /* --- sequences */
    {.name = "serial columns keep their sequences, one is dropped",
     .setup = "CREATE TABLE t (id serial PRIMARY KEY, n bigserial, gone serial, name text); ALTER SEQUENCE t_n_seq "
              "INCREMENT 5 CACHE 10; INSERT INTO t (name) SELECT 'x' FROM generate_series(1, 20); COMMENT ON SEQUENCE "
              "t_id_seq IS 's'; GRANT USAGE ON SEQUENCE t_id_seq TO seachange_test_reader;",
     .alter = "ALTER id TYPE bigint, ALTER n DROP DEFAULT, DROP COLUMN gone"},
    {.name = "dropping a serial whose sequence others use is refused",
     .setup = "CREATE TABLE t (id int PRIMARY KEY, n serial); CREATE TABLE o (id int DEFAULT nextval('t_n_seq'));",
     .alter = "DROP COLUMN n",
     .refused = "t_n_seq"},
    {.name = "identity columns go on counting",
     .setup = "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME my_ids START 100 INCREMENT 3 "
              "MAXVALUE 100000 CACHE 7 CYCLE) PRIMARY KEY, n bigint GENERATED BY DEFAULT AS IDENTITY, name text);"
              "INSERT INTO t (name) SELECT 'x' FROM generate_series(1, 20); COMMENT ON SEQUENCE my_ids IS 'ids'; GRANT "
              "SELECT, USAGE ON SEQUENCE my_ids TO seachange_test_reader;",
     .alter = "ALTER name TYPE varchar(5)"},
    {.name = "an identity's type grows with its column",
     .setup = "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); INSERT INTO t (name) "
              "SELECT 'x' FROM generate_series(1, 20);",
     .alter = "ALTER id TYPE bigint"},
    {.name = "an identity is dropped, restarted, made",
     .setup = "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, m "
              "int NOT NULL DEFAULT 3); INSERT INTO t DEFAULT VALUES; INSERT INTO t DEFAULT VALUES;",
     .alter = "ALTER n DROP IDENTITY, ALTER id SET GENERATED BY DEFAULT, ALTER m DROP DEFAULT, ALTER m ADD GENERATED "
              "ALWAYS AS IDENTITY (START 50)"},
    {.name = "an identity that the ALTER restarts",
     .setup = "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY); INSERT INTO t DEFAULT VALUES;",
     .alter = "ALTER id RESTART WITH 1000"},

    /* --- generated columns */
    {.name = "generated columns stay",
     .setup = "CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) STORED, h text GENERATED "
              "ALWAYS AS (a::text || 'x') STORED); CREATE INDEX ON t (g); INSERT INTO t (id, a) SELECT i, i FROM "
              "generate_series(1, 20) i;",
     .alter = "ALTER id TYPE bigint, DROP COLUMN h"},
    {.name = "a generated column becomes a plain one",
     .setup = "CREATE FUNCTION plus(i int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT i + 1'; CREATE TABLE t (id "
              "int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (plus(a) * 2) STORED); INSERT INTO t (id, a) SELECT "
              "i, i FROM generate_series(1, 20) i;",
     .alter = "ALTER g DROP EXPRESSION, ALTER id TYPE bigint"},

    /* --- what stands on the table */
    {.name = "triggers in every state",
     .setup = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''fired''; END';" PLAIN
              "CREATE TRIGGER a BEFORE INSERT OR UPDATE OF amount ON t FOR EACH ROW WHEN (NEW.amount > 5) EXECUTE "
              "FUNCTION f('x', 'y');"
              "CREATE TRIGGER b AFTER DELETE ON t REFERENCING OLD TABLE AS o FOR EACH STATEMENT EXECUTE FUNCTION f(); "
              "CREATE TRIGGER c AFTER INSERT ON t EXECUTE FUNCTION f(); CREATE TRIGGER d AFTER INSERT ON t EXECUTE "
              "FUNCTION f();"
              "CREATE CONSTRAINT TRIGGER e AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE "
              "FUNCTION f(); ALTER TABLE t DISABLE TRIGGER b; ALTER TABLE t ENABLE REPLICA TRIGGER c; ALTER TABLE t "
              "ENABLE ALWAYS TRIGGER d; COMMENT ON TRIGGER a ON t IS 'aa'",
     .alter = "ALTER name TYPE varchar(20)"},
    {.name = "a trigger is disabled by the ALTER",
     .setup = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';" PLAIN
              "CREATE TRIGGER a AFTER INSERT ON t EXECUTE FUNCTION f(); CREATE TRIGGER b AFTER INSERT ON t EXECUTE "
              "FUNCTION f(); ALTER TABLE t DISABLE TRIGGER b;",
     .alter = "DISABLE TRIGGER a, ENABLE TRIGGER b, ADD x int"},
    {.name = "row security",
     .setup = PLAIN "CREATE TABLE allowed (who text, id int); CREATE POLICY p1 ON t AS PERMISSIVE FOR SELECT TO "
                    "seachange_test_reader, CURRENT_USER USING (amount > 5 AND id IN (SELECT id FROM allowed WHERE who "
                    "= current_user)); "
                    "CREATE POLICY \"p 2\" ON t AS RESTRICTIVE FOR INSERT WITH CHECK (name <> (SELECT max(x.name) FROM "
                    "t x)); CREATE POLICY p3 ON t USING (true) WITH CHECK (false); COMMENT ON POLICY p3 ON t IS 'p'; "
                    "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
     .alter = "ADD x int"},
    {.name = "a policy goes with its column",
     .setup = PLAIN "CREATE POLICY p1 ON t USING (amount > 5); CREATE POLICY p2 ON t USING (id > 5);",
     .alter = "DROP COLUMN amount CASCADE"},
    {.name = "row security that the owner obeys",
     .setup = PLAIN
     "CREATE POLICY p ON t USING (id > 50); ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;",
     .alter = "ADD x int"},
    {.name = "row security that hides rows from us is refused",
     .setup = PLAIN
     "CREATE POLICY p ON t USING (id > 50); ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;",
     .alter = "ADD x int",
     .as_owner = true,
     .refused = "row security"},
    {.name = "grants on table and columns",
     .setup = PLAIN
     "GRANT SELECT, INSERT ON t TO seachange_test_reader WITH GRANT OPTION; GRANT SELECT (name), UPDATE (amount, name) "
     "ON t TO seachange_test_other; GRANT TRIGGER ON t TO PUBLIC; REVOKE TRUNCATE ON t FROM CURRENT_USER",
     .alter = "RENAME COLUMN amount TO cents"},
    {.name = "default privileges do not add grants",
     .setup =
         PLAIN "GRANT SELECT ON t TO seachange_test_other; CREATE TABLE bare (id int PRIMARY KEY); ALTER DEFAULT "
               "PRIVILEGES GRANT ALL ON TABLES TO seachange_test_reader; ALTER DEFAULT PRIVILEGES REVOKE DELETE ON "
               "TABLES FROM postgres; ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO seachange_test_reader;",
     .alter = "ADD x int"},
    {.name = "default privileges do not add grants to a table without any",
     .setup = PLAIN
     "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO seachange_test_reader; ALTER DEFAULT PRIVILEGES REVOKE DELETE ON "
     "TABLES FROM postgres; ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO seachange_test_reader;",
     .alter = "ADD x int"},
    {.name = "the owner stays the owner",
     .setup = PLAIN "CREATE STATISTICS st ON id, amount FROM t; ALTER STATISTICS st OWNER TO seachange_test_owner; "
                    "ALTER TABLE t OWNER TO seachange_test_owner; GRANT SELECT ON t TO seachange_test_reader",
     .alter = "ALTER id TYPE bigint"},
    {.name = "a role that is no superuser",
     .setup = "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id serial PRIMARY KEY, pid int REFERENCES p, n int "
              "GENERATED ALWAYS AS IDENTITY, CHECK (n > 0)); INSERT INTO p VALUES (1); INSERT INTO t (pid) VALUES (1), "
              "(NULL); CREATE TABLE c (tid int REFERENCES t); CREATE VIEW v AS SELECT n FROM t; GRANT SELECT ON t TO "
              "seachange_test_reader; CREATE STATISTICS st ON id, n FROM t;",
     .alter = "ALTER id TYPE bigint",
     .as_owner = true},
    {.name = "comments on everything",
     .setup = PLAIN "COMMENT ON TABLE t IS 'it''s \\ a table'; COMMENT ON COLUMN t.name IS 'n'; COMMENT ON INDEX "
                    "t_pkey IS 'i'; COMMENT ON CONSTRAINT t_pkey ON t IS 'c'",
     .alter = "RENAME name TO label"},
    {.name = "extended statistics",
     .setup = PLAIN "CREATE SCHEMA s; CREATE STATISTICS st (ndistinct, mcv) ON name, amount FROM t; CREATE STATISTICS "
                    "s.st2 ON (amount % 10), (lower(name)) FROM t; ALTER STATISTICS st SET STATISTICS 77; COMMENT ON "
                    "STATISTICS st IS 'stat'; CREATE STATISTICS gone ON id, amount FROM t",
     .alter = "ALTER amount TYPE bigint"},
    {.name = "publications with columns and rows",
     .setup = PLAIN "CREATE PUBLICATION p1 FOR TABLE t; CREATE PUBLICATION p2 FOR TABLE t (id, name) WHERE (id > 5 AND "
                    "name <> 'x') WITH (publish = 'insert,delete'); CREATE PUBLICATION p3 FOR TABLES IN SCHEMA public;",
     .alter = "ALTER amount TYPE bigint",
     .from_version = 150000},
    {.name = "a publication's columns are renamed",
     .setup = PLAIN "CREATE PUBLICATION p2 FOR TABLE t (id, name);",
     .alter = "RENAME name TO label",
     .from_version = 150000},
    {.name = "a publication that needs a dropped column is refused",
     .setup = PLAIN "CREATE PUBLICATION p2 FOR TABLE t (id, name);",
     .alter = "DROP name",
     .from_version = 150000,
     .refused = "publication p2"},
    {.name = "a publication for all tables is refused",
     .setup = PLAIN "CREATE PUBLICATION p FOR ALL TABLES;",
     .alter = "ADD x int",
     .refused = "FOR ALL TABLES"},

    /* --- views and other dependents */
    {.name = "views, and views on views, stay what they are",
     .setup = PLAIN "CREATE VIEW v WITH (security_barrier) AS SELECT id, upper(name) AS name FROM t WHERE amount > 5; "
                    "CREATE VIEW v2 AS SELECT v.id, t.amount FROM v JOIN t USING (id); CREATE VIEW upd AS SELECT id "
                    "FROM t WHERE id > 3 WITH LOCAL CHECK OPTION; COMMENT ON VIEW v IS 'view'; GRANT SELECT ON v TO "
                    "seachange_test_reader; CREATE VIEW gr AS SELECT id, name, count(*) FROM t GROUP BY id; CREATE "
                    "VIEW st AS SELECT * FROM t; CREATE VIEW wh AS SELECT count(t) AS c, count(t.*) AS d FROM t;",
     .alter = "ADD COLUMN more int DEFAULT 3"},
    {.name = "a view keeps a column that it does not use from nothing",
     .setup = PLAIN "CREATE VIEW v AS SELECT id FROM t;",
     .alter = "DROP COLUMN name, ALTER amount TYPE bigint"},
    {.name = "a view on a dropped column is refused",
     .setup = PLAIN "CREATE VIEW v AS SELECT name FROM t;",
     .alter = "DROP COLUMN name",
     .refused = "view public.v"},
    {.name = "a view on a retyped column is refused",
     .setup = PLAIN "CREATE VIEW v AS SELECT amount FROM t;",
     .alter = "ALTER amount TYPE bigint",
     .refused = "view public.v"},
    {.name = "a view that groups by the key loses it and is refused",
     .setup = PLAIN "CREATE VIEW v AS SELECT id, name FROM t GROUP BY id;",
     .alter = "DROP CONSTRAINT t_pkey",
     .refused = "view public.v"},
    {.name = "a materialized view is refused",
     .setup = PLAIN "CREATE MATERIALIZED VIEW m AS SELECT * FROM t;",
     .alter = "ADD x int",
     .refused = "materialized view"},
    {.name = "a rule is refused",
     .setup = PLAIN "CREATE RULE r AS ON INSERT TO t DO ALSO NOTHING;",
     .alter = "ADD x int",
     .refused = "rule r"},
    {.name = "a function with an SQL body is refused",
     .setup = PLAIN "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM t; END;",
     .alter = "ADD x int",
     .refused = "function public.f()"},
    {.name = "a function with the row type is refused",
     .setup = PLAIN "CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT 1';",
     .alter = "ADD x int",
     .refused = "row type"},
    {.name = "a column of the row type is refused",
     .setup = PLAIN "CREATE TABLE o (r t[]);",
     .alter = "ADD x int",
     .refused = "row type"},
    {.name = "a policy of another table is refused",
     .setup = PLAIN "CREATE TABLE o (i int); CREATE POLICY p ON o USING (i IN (SELECT id FROM t));",
     .alter = "ADD x int",
     .refused = "policy p"},
    {.name = "a child by inheritance is refused",
     .setup = PLAIN "CREATE TABLE o () INHERITS (t);",
     .alter = "ADD x int",
     .refused = "inheritance"},

    /* --- tables that are not for us */
    {.name = "a view is refused",
     .setup = "CREATE VIEW t AS SELECT 1 AS id;",
     .alter = "ADD x int",
     .refused = "it is a view"},
    {.name = "a partitioned table is refused",
     .setup = "CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id);",
     .alter = "ADD x int",
     .refused = "partitioned"},
    {.name = "a partition is refused",
     .setup = "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE t PARTITION OF p DEFAULT;",
     .alter = "ADD x int",
     .refused = "it is a partition"},
    {.name = "an unlogged table is refused",
     .setup = "CREATE UNLOGGED TABLE t (id int PRIMARY KEY);",
     .alter = "ADD x int",
     .refused = "unlogged"},
    {.name = "a typed table is refused",
     .setup = "CREATE TYPE y AS (id int); CREATE TABLE t OF y (PRIMARY KEY (id));",
     .alter = "NOT OF",
     .refused = "typed"},
    {.name = "an invalid index is refused",
     .setup = PLAIN
     "CREATE INDEX ix ON t (amount); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix'::regclass;",
     .alter = "ADD x int",
     .refused = "invalid"},
    {.name = "somebody else's table is refused",
     .superuser_setup = "CREATE TABLE t (id int PRIMARY KEY)",
     .setup = "SELECT 1",
     .as_owner = true,
     .alter = "ADD x int",
     .refused = "owner"},

    /* --- ALTERs that are not for us */
    {.name = "nonsense is refused in the server's words",
     .setup = PLAIN,
     .alter = "ADD COLUMN COLUMN COLUMN",
     .refused = "syntax error"},
    {.name = "a column that is not there is refused",
     .setup = PLAIN,
     .alter = "DROP COLUMN nope",
     .refused = "does not exist"},
    {.name = "two statements are refused",
     .setup = PLAIN,
     .alter = "ADD x int; DROP TABLE t",
     .refused = "2 statements"},
    {.name = "RENAME TO is refused", .setup = PLAIN, .alter = "RENAME TO u", .refused = "catalog"},
    {.name = "SET SCHEMA is refused", .setup = PLAIN "CREATE SCHEMA s;", .alter = "SET SCHEMA s", .refused = "catalog"},
    {.name = "SET UNLOGGED is refused", .setup = PLAIN, .alter = "SET UNLOGGED", .refused = "unlogged"},
    {.name = "INHERIT is refused",
     .setup = PLAIN "CREATE TABLE p (id int);",
     .alter = "INHERIT p",
     .refused = "inherit"},
    {.name = "OF is refused",
     .setup = PLAIN "CREATE TYPE y AS (id int, name text, amount int);",
     .alter = "OF y",
     .refused = "type"},
    {.name = "an empty ALTER is refused", .setup = PLAIN, .alter = " ; ", .refused = "empty"},
    {.name = "an ALTER whose new index takes another table's name is refused",
     .setup = PLAIN "CREATE TABLE t_name_key (i int);",
     .alter = "ADD UNIQUE (name)",
     .refused = "t_name_key"},
    {.name = "an ALTER that names the table means the clone",
     .setup = PLAIN,
     .alter = "ADD CONSTRAINT c FOREIGN KEY (amount) REFERENCES t (id) NOT VALID"},
    {.name = "an ALTER of what stands on the table",
     .setup = PLAIN "CREATE INDEX ix ON t (amount); CREATE UNIQUE INDEX ux ON t (name);",
     .alter =
         "ALTER amount TYPE bigint, CLUSTER ON ix, ADD CONSTRAINT uc UNIQUE USING INDEX ux, ALTER id SET STATISTICS 9, "
         "SET (fillfactor = 50), REPLICA IDENTITY FULL, ENABLE ROW LEVEL SECURITY, ALTER name SET DEFAULT 'x'"},
};
static const size_t ghost_case_count = sizeof(ghost_cases) / sizeof(ghost_cases[0]);

#endif
