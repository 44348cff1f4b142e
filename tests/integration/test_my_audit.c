/* MySQL's and MariaDB's tables as consumers of the audit are told of them. */
#include "audit_dump.h"
#include "cdc/audit/mysql/types.h"
#include "cdc/mysql/log_end.h"
#include "mysql_migration.h"

static enum sc_result described(struct world *w, struct arena *arena, struct audit_table *out, struct sc_error *err)
{
    struct audit_options options = {.prefix = "p", .with_schema = true};
    enum sc_result result = my_audit_describe(w->session, &options, arena, out, err);
    return result == SC_OK ? audit_table_prepare(out, arena, err) : result;
}

static void columns_have_their_types(void **state)
{
    struct world *w = need(state);
    struct arena arena = {0};
    struct audit_table t;
    struct sc_error err = {0};
    run_on(
        w->sql,
        "CREATE TABLE t (region varchar(8) CHARACTER SET latin1 NOT NULL, id bigint unsigned NOT NULL, y tinyint(1), "
        "u int unsigned, d decimal(10,2), f float, x double NOT NULL, b bit(1), bs bit(9), e enum('a','it''s','c,d'), "
        "s set('x','y'), dt datetime(6), dm datetime(3), ts timestamp NULL, da date NOT NULL, ti time, ye year, "
        "tx text, bl blob, bi binary(4), g geometry, gv int GENERATED ALWAYS AS (u + 1) VIRTUAL, "
        "gs int GENERATED ALWAYS AS (u + 2) STORED, PRIMARY KEY (id, region))");
    start_migration(w, "sc_data.t", "ADD COLUMN added int");
    must(described(w, &arena, &t, &err), &err);
    assert_string_equal(t.topic, "p.sc_data.t");
    char *want = mem_printf("%sgs int32 optional%s\n",
                            "region string key 2\n"
                            "id int64 key 1\n"
                            "y int16 optional\n"
                            "u int64 optional\n"
                            "d bytes Decimal {\"scale\":\"2\",\"connect.decimal.precision\":\"10\"} optional\n"
                            "f float optional\n"
                            "x double\n"
                            "b boolean optional\n"
                            "bs bytes Bits {\"length\":\"9\"} optional\n"
                            "e string Enum {\"allowed\":\"a,it's,c,d\"} optional\n"
                            "s string EnumSet {\"allowed\":\"x,y\"} optional\n"
                            "dt int64 MicroTimestamp optional\n"
                            "dm int64 Timestamp optional\n"
                            "ts string ZonedTimestamp optional\n"
                            "da int32 Date\n"
                            "ti int64 MicroTime optional\n"
                            "ye int32 Year optional\n"
                            "tx string optional\n"
                            "bl bytes optional\n"
                            "bi bytes optional\n"
                            "g struct Geometry optional\n"
                            "gv int32 optional left out\n",
                            my_log_leaves_out_stored(&w->t->server) ? " left out" : "");
    assert_described(&t, want);
    mem_free(want);
    audit_table_close(&t);
    arena_fini(&arena);
}

static void text_that_cannot_be_converted_is_refused(void **state)
{
    struct world *w = need(state);
    struct arena arena = {0};
    struct audit_table t;
    struct sc_error err = {0};
    run_on(w->sql, "CREATE TABLE t (id int PRIMARY KEY, v varchar(8) CHARACTER SET dec8)");
    start_migration(w, "sc_data.t", "ADD COLUMN added int");
    assert_int_equal(described(w, &arena, &t, &err), SC_REFUSE);
    assert_non_null(strstr(err.what, "column v of table t"));
    assert_non_null(strstr(err.what, "dec8"));
    audit_table_close(&t);
    arena_fini(&arena);
}

static void where_it_stands_is_stored_and_fenced(void **state)
{
    struct world *w = need(state);
    struct arena arena = {0};
    struct sc_error err = {0};
    struct audit_stored got;
    bool found = true;
    run_on(w->sql, "CREATE TABLE t (id int PRIMARY KEY)");
    start_migration(w, "sc_data.t", "ADD COLUMN added int");
    must(my_audit_load(w->session, &arena, &got, &found, &err), &err);
    assert_false(found);
    struct audit_hash heads[2];
    memset(heads, 0xab, sizeof(heads));
    struct audit_stored stored = {
        .settings = "topic it's",
        .state = {.position = w->t->migration.applied, .sequence = 5, .partitions = 2, .heads = heads}};
    must(my_audit_store(w->session, &stored, &err), &err);
    stored.state.sequence = UINT64_C(1) << 40;
    heads[1].bytes[31] = 1;
    stored.gap = "nothing behind it's place";
    stored.ended = true;
    must(my_audit_store(w->session, &stored, &err), &err);
    must(my_audit_store(w->session, &stored, &err), &err); /* nothing new */
    must(my_audit_load(w->session, &arena, &got, &found, &err), &err);
    assert_true(found);
    assert_string_equal(got.settings, "topic it's");
    assert_string_equal(got.gap, "nothing behind it's place");
    assert_true(got.ended);
    assert_true(got.state.sequence == UINT64_C(1) << 40);
    assert_true(got.state.position.order == w->t->migration.applied.order);
    assert_string_equal(got.state.position.text, w->t->migration.applied.text);
    assert_memory_equal(got.state.heads, heads, sizeof(heads));
    run_on(w->sql, "UPDATE _seachange_audit SET heads = 'ab'");
    assert_int_equal(my_audit_load(w->session, &arena, &got, &found, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "damaged"));
    run_on(w->sql, "UPDATE _seachange_migration SET token = token + 1");
    assert_int_equal(my_audit_store(w->session, &stored, &err), SC_FENCED);
    /* Of an earlier version's state the table is not there. */
    run_on(w->sql, "DROP TABLE _seachange_audit");
    must(my_audit_load(w->session, &arena, &got, &found, &err), &err);
    assert_false(found);
    arena_fini(&arena);
}

static void the_last_marker_is_what_was_written_last(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    char text[AUDIT_HASH_TEXT];
    run_on(w->sql, "CREATE TABLE t (id int PRIMARY KEY)");
    start_migration(w, "sc_data.t", "ADD COLUMN added int");
    assert_int_equal(my_last_marker(w->session, text, sizeof(text), &err), SC_FAIL);
    must(my_marker(w->session, "mark 1 2", &err), &err);
    must(my_marker(w->session, "mark 1 3", &err), &err);
    must(my_last_marker(w->session, text, sizeof(text), &err), &err);
    assert_string_equal(text, "mark 1 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(columns_have_their_types, world_up, world_down),
        cmocka_unit_test_setup_teardown(text_that_cannot_be_converted_is_refused, world_up, world_down),
        cmocka_unit_test_setup_teardown(where_it_stands_is_stored_and_fenced, world_up, world_down),
        cmocka_unit_test_setup_teardown(the_last_marker_is_what_was_written_last, world_up, world_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
