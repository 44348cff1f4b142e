/* PostgreSQL's tables as consumers of the audit are told of them. */
#include "audit_dump.h"
#include "migration.h"

static void described(struct world *w, struct arena *arena, struct audit_table *out)
{
    struct audit_options options = {.prefix = "p", .with_schema = true};
    struct sc_error err = {0};
    must(pg_audit_describe(w->session, &options, arena, out, &err), &err);
    must(audit_table_prepare(out, arena, &err), &err);
}

static void columns_have_their_types_below_domains_and_enums_their_members(void **state)
{
    struct world *w = begin(state);
    struct arena arena = {0};
    struct audit_table t;
    run_on(w->sql,
           "CREATE TYPE mood AS ENUM ('sad', 'it''s \"ok\"', 'a,b'); ALTER TYPE mood ADD VALUE 'first' BEFORE 'sad';"
           "CREATE DOMAIN cents AS numeric(10, 2) CHECK (VALUE >= 0); CREATE DOMAIN price AS cents NOT NULL;"
           "CREATE DOMAIN tags AS text[];"
           "CREATE TABLE t (gone int, region varchar(8) NOT NULL, id bigint NOT NULL, m mood, ms mood[] NOT NULL,"
           " p price, tags tags, c bpchar(3), ts timestamptz(3), t time(2), b bit(1), bs bit(9), vb varbit,"
           " n numeric, ns numeric(5, 1)[], j jsonb, pt point, nm name, r int4range, x xml, u uuid, bin bytea,"
           " iv interval, gen int GENERATED ALWAYS AS (id + 1) STORED, PRIMARY KEY (id, region));"
           "ALTER TABLE t DROP COLUMN gone");
    migrate(w, "public.t", "ADD COLUMN added int");
    described(w, &arena, &t);
    assert_string_equal(t.topic, "p.public.t");
    assert_described(
        &t,
        "region string key 2\n"
        "id int64 key 1\n"
        "m string Enum {\"allowed\":\"first,sad,it's \\\"ok\\\",a,b\"} optional\n"
        "ms array of {\"type\":\"string\",\"name\":\"io.debezium.data.Enum\",\"version\":1,\"parameters\":{\"allowed\":"
        "\"first,sad,it's \\\"ok\\\",a,b\"}} optional\n"
        "p bytes Decimal {\"scale\":\"2\",\"connect.decimal.precision\":\"10\"} optional\n"
        "tags array of {\"type\":\"string\"} optional\n"
        "c string optional\n"
        "ts string ZonedTimestamp optional\n"
        "t int32 Time optional\n"
        "b boolean optional\n"
        "bs bytes Bits {\"length\":\"9\"} optional\n"
        "vb bytes Bits {\"length\":\"2147483647\"} optional\n"
        "n struct VariableScaleDecimal optional\n"
        "ns array of {\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,"
        "\"parameters\":{\"scale\":\"1\",\"connect.decimal.precision\":\"5\"}} optional\n"
        "j string Json optional\n"
        "pt string optional\n"
        "nm string optional\n"
        "r string optional\n"
        "x string Xml optional\n"
        "u string Uuid optional\n"
        "bin bytes optional\n"
        "iv int64 MicroDuration optional\n");
    arena_fini(&arena);
}

static void images_that_are_whole_lack_nothing(void **state)
{
    struct world *w = begin(state);
    struct arena arena = {0};
    struct audit_table t;
    run_on(w->sql, "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b int); ALTER TABLE t REPLICA IDENTITY FULL");
    migrate(w, "public.t", "ADD COLUMN added int");
    described(w, &arena, &t);
    assert_described(&t, "id int32 key 1\na int32\nb int32 optional\n");
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(columns_have_their_types_below_domains_and_enums_their_members),
        TEST(images_that_are_whole_lack_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
