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

static void where_it_stands_is_stored_and_fenced(void **state)
{
    struct world *w = begin(state);
    struct arena arena = {0};
    struct sc_error err = {0};
    struct audit_stored got;
    bool found = true;
    run_on(w->sql, "CREATE TABLE t (id int PRIMARY KEY)");
    migrate(w, "public.t", "ADD COLUMN added int");
    must(pg_audit_load(w->session, &arena, &got, &found, &err), &err);
    assert_false(found);
    struct audit_hash heads[2];
    memset(heads, 0xab, sizeof(heads));
    struct audit_stored stored = {
        .settings = "topic a",
        .state = {.position.order = 0x1200000034, .sequence = 5, .partitions = 2, .heads = heads}};
    must(pg_audit_store(w->session, &stored, &err), &err);
    stored.state.sequence = UINT64_C(1) << 40;
    stored.state.position.order++;
    heads[1].bytes[31] = 1;
    stored.gap = "nothing behind it";
    stored.ended = true;
    must(pg_audit_store(w->session, &stored, &err), &err);
    must(pg_audit_load(w->session, &arena, &got, &found, &err), &err);
    assert_true(found);
    assert_string_equal(got.settings, "topic a");
    assert_string_equal(got.gap, "nothing behind it");
    assert_true(got.ended);
    assert_true(got.state.sequence == UINT64_C(1) << 40);
    assert_true(got.state.position.order == 0x1200000035);
    assert_string_equal(got.state.position.text, "12/35");
    assert_int_equal(got.state.partitions, 2);
    assert_memory_equal(got.state.heads, heads, sizeof(heads));
    run_on(w->sql, "UPDATE seachange.audit SET heads = 'ab'");
    assert_int_equal(pg_audit_load(w->session, &arena, &got, &found, &err), SC_FAIL);
    assert_says(&err, "is damaged");
    run_on(w->sql, "UPDATE seachange.migration SET token = token + 1");
    assert_int_equal(pg_audit_store(w->session, &stored, &err), SC_FENCED);
    /* Of an earlier version's state the table is not there. */
    run_on(w->sql, "DROP TABLE seachange.audit");
    must(pg_audit_load(w->session, &arena, &got, &found, &err), &err);
    assert_false(found);
    must(pg_audit_forget(w->t, &err), &err);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(columns_have_their_types_below_domains_and_enums_their_members),
        TEST(images_that_are_whole_lack_nothing),
        TEST(where_it_stands_is_stored_and_fenced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
