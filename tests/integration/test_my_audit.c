/* MySQL's and MariaDB's tables as consumers of the audit are told of them. */
#include "audit_dump.h"
#include "cdc/audit/mysql/types.h"
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
                            my_leaves_out_computed(&w->t->server) ? " left out" : "");
    assert_described(&t, want);
    mem_free(want);
    my_audit_table_close(&t);
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
    my_audit_table_close(&t);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(columns_have_their_types, world_up, world_down),
        cmocka_unit_test_setup_teardown(text_that_cannot_be_converted_is_refused, world_up, world_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
