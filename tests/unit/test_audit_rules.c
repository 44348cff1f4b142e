/* What the audit shows of each column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/audit/rules.h"
#include "unit/audit_table.h"

static struct arena arena;

static int clean(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static enum sc_result parse(const char *text, struct audit_rules *rules, struct sc_error *err)
{
    error_init(err);
    return audit_rules_parse(text, rules, err);
}

static void refused(const char *text, const char *what)
{
    struct audit_rules rules;
    struct sc_error err;
    assert_int_equal(parse(text, &rules, &err), SC_REFUSE);
    if (!strstr(err.what, what))
        fail_msg("%s: %s", text, err.what);
    audit_rules_fini(&rules);
}

static void rules_are_read(void **state)
{
    (void)state;
    struct audit_rules r;
    struct sc_error err;
    assert_int_equal(parse("id=plain,\"a,b=\"\"c\"\"\"=hash,*=drop,note=truncate:20,\"*\"=mask,x=text", &r, &err),
                     SC_OK);
    assert_int_equal(r.count, 6);
    assert_string_equal(r.rules[0].column, "id");
    assert_int_equal(r.rules[0].rule, AUDIT_SHOW);
    assert_string_equal(r.rules[1].column, "a,b=\"c\"");
    assert_int_equal(r.rules[1].rule, AUDIT_HASH);
    assert_null(r.rules[2].column);
    assert_int_equal(r.rules[2].rule, AUDIT_DROP);
    assert_int_equal(r.rules[3].rule, AUDIT_SHORTEN);
    assert_int_equal(r.rules[3].length, 20);
    assert_string_equal(r.rules[4].column, "*");
    assert_int_equal(r.rules[5].rule, AUDIT_TEXT);
    audit_rules_fini(&r);
    static const char *const none[] = {"",
                                       "id",
                                       "id=",
                                       "=plain",
                                       "id=plain,",
                                       "id=plane",
                                       "id=plain:",
                                       "id=truncate",
                                       "id=truncate:",
                                       "id=truncate:0",
                                       ",",
                                       "id=hash x",
                                       "id=truncate:-1",
                                       "id=truncate:1000001",
                                       "\"id=plain"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        refused(none[i], "no rule");
    refused("a=plain,a=drop", "two rules for column a");
    refused("*=plain,*=drop", "two rules for column *");
}

/* The table with these rules; its row as it is written. */
static void row_is(const char *text, const char *secret, const char *want)
{
    struct audit_rules rules;
    struct sc_error err;
    assert_int_equal(parse(text, &rules, &err), SC_OK);
    if (secret) {
        rules.secret = secret;
        rules.secret_len = strlen(secret);
    }
    struct audit_table t = audit_test_table(&arena);
    t.values_are_text = true;
    t.nkey = 0;
    if (audit_rules_apply(&rules, &t, &arena, &err) != SC_OK || audit_table_prepare(&t, &arena, &err) != SC_OK)
        fail_msg("%s: %s", text, err.what);
    struct value row[2] = {{.state = VALUE_PRESENT, .len = 1, .data = "7"},
                           {.state = VALUE_PRESENT, .len = 16, .data = "gr\xc3\xbc\xc3\x9f \"\xf0\x9f\x8e\x89\" \n."}};
    struct buf b = {0};
    assert_int_equal(audit_write_row(&b, &t, row, &err), SC_OK);
    assert_string_equal(buf_cstr(&b), want);
    buf_clear(&b);
    row[1].state = VALUE_NULL; /* that there is none is no secret */
    assert_int_equal(audit_write_row(&b, &t, row, &err), SC_OK);
    assert_true(t.columns[1].left_out || strstr(buf_cstr(&b), "\"v\":null"));
    buf_clear(&b);
    row[1].state = VALUE_UNCHANGED;
    assert_int_equal(audit_write_row(&b, &t, row, &err), SC_OK);
    assert_true(t.columns[1].left_out || strstr(buf_cstr(&b), "\"v\":\"__debezium_unavailable_value\""));
    buf_fini(&b);
    audit_rules_fini(&rules);
}

static void values_are_shown_by_their_rule(void **state)
{
    (void)state;
    row_is("*=plain", NULL, "{\"id\":7,\"v\":\"gr\xc3\xbc\xc3\x9f \\\"\\uD83C\\uDF89\\\" \\n.\"}");
    row_is("id=text,v=plain", NULL, "{\"id\":\"7\",\"v\":\"gr\xc3\xbc\xc3\x9f \\\"\\uD83C\\uDF89\\\" \\n.\"}");
    row_is("id=plain,v=mask", NULL, "{\"id\":7,\"v\":\"*****\"}");
    row_is("id=plain,*=drop", NULL, "{\"id\":7}");
    row_is("id=plain,v=truncate:4", NULL, "{\"id\":7,\"v\":\"gr\xc3\xbc\xc3\x9f\"}");
    row_is("id=plain,v=truncate:6", NULL, "{\"id\":7,\"v\":\"gr\xc3\xbc\xc3\x9f \\\"\"}");
    row_is("id=plain,v=truncate:7", NULL, "{\"id\":7,\"v\":\"gr\xc3\xbc\xc3\x9f \\\"\\uD83C\\uDF89\"}");
    row_is("id=plain,v=truncate:11", NULL, "{\"id\":7,\"v\":\"gr\xc3\xbc\xc3\x9f \\\"\\uD83C\\uDF89\\\" \\n.\"}");
    row_is("id=plain,v=truncate:500", NULL, "{\"id\":7,\"v\":\"gr\xc3\xbc\xc3\x9f \\\"\\uD83C\\uDF89\\\" \\n.\"}");
    /* HMAC-SHA-256 with the key "key" of 7, made by another program */
    row_is("id=hash,v=drop", "key", "{\"id\":\"01235b0d2aa4a5daba7243a9228194c8eff913ac5e56e967301210270380bc42\"}");
}

static void not_applied(const char *text, const char *what)
{
    struct audit_rules rules;
    struct sc_error err;
    assert_int_equal(parse(text, &rules, &err), SC_OK);
    struct audit_table t = audit_test_table(&arena);
    error_init(&err);
    enum sc_result result = audit_rules_check(&rules, &t, 1, &err);
    if (result == SC_OK)
        result = audit_rules_apply(&rules, &t, &arena, &err);
    assert_int_equal(result, SC_REFUSE);
    if (!strstr(err.what, what))
        fail_msg("%s: %s", text, err.what);
    audit_rules_fini(&rules);
}

static void rules_that_hide_too_much_or_too_little_are_refused(void **state)
{
    (void)state;
    not_applied("id=plain", "nobody has said what the audit may show of column v");
    not_applied("id=plain,v=plain,w=drop", "column w, which table t does not have");
    not_applied("*=drop", "column id is part of the key");
    not_applied("*=mask", "column id is part of the key");
    not_applied("id=truncate:3,v=plain", "column id is part of the key");
    not_applied("*=hash", "no key to do it with");
    not_applied("id=plain,v=text", "cannot be shown as text"); /* a server whose log has other forms */
}

/* Of several tables one may have what another one lacks. */
static void a_rule_is_for_a_column_of_any_of_the_tables(void **state)
{
    (void)state;
    struct audit_table tables[2] = {audit_test_table(&arena), audit_test_table_named(&arena, "u")};
    tables[1].columns[1].name = "w";
    struct audit_rules rules;
    struct sc_error err;
    assert_int_equal(parse("w=drop,*=plain", &rules, &err), SC_OK);
    assert_int_equal(audit_rules_check(&rules, tables, 1, &err), SC_REFUSE);
    assert_int_equal(audit_rules_check(&rules, tables, 2, &err), SC_OK);
    audit_rules_fini(&rules);
    assert_int_equal(parse("x=drop,*=plain", &rules, &err), SC_OK);
    assert_int_equal(audit_rules_check(&rules, tables, 2, &err), SC_REFUSE);
    assert_non_null(strstr(err.what, "column x, which none of the tables has"));
    audit_rules_fini(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_read),
        cmocka_unit_test(values_are_shown_by_their_rule),
        cmocka_unit_test(rules_that_hide_too_much_or_too_little_are_refused),
        cmocka_unit_test(a_rule_is_for_a_column_of_any_of_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
