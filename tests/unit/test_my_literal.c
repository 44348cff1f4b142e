/* Values as SQL literals of MySQL and MariaDB, and bounds of chunks as text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "applier/mysql/literal.h"

static struct value present(const char *data, size_t len)
{
    return (struct value){.state = VALUE_PRESENT, .len = (uint32_t)len, .data = data};
}

static struct value text(const char *s)
{
    return present(s, strlen(s));
}

static struct my_column column(const char *data_type, const char *charset)
{
    return (struct my_column){.name = "c", .type = data_type, .data_type = data_type, .charset = charset};
}

typedef enum sc_result adder(struct buf *, const struct my_literal *, const struct value *, struct sc_error *);

static void expect_of(adder *add, enum my_family family, struct my_column c, struct value v, const char *want)
{
    struct my_literal l;
    struct sc_error err;
    struct buf b = {0};
    error_init(&err);
    assert_int_equal(my_literal_init(&l, family, &c, &err), SC_OK);
    buf_str(&b, "(");
    enum sc_result rc = add(&b, &l, &v, &err);
    if (want) {
        assert_int_equal(rc, SC_OK);
        assert_string_equal(b.data + 1, want);
        assert_int_equal(b.len, strlen(want) + 1);
    } else {
        assert_int_equal(rc, SC_FAIL);
        assert_non_null(strstr(err.what, "column c"));
        assert_true(err.hint[0] != 0);
    }
    buf_fini(&b);
}

static void expect(struct my_column c, struct value v, const char *want)
{
    expect_of(my_add_value, MY_MYSQL, c, v, want);
}

static void expect_key(struct my_column c, struct value v, const char *want)
{
    expect_of(my_add_key_value, MY_MYSQL, c, v, want);
}

static void numbers_are_written_as_they_are(void **state)
{
    (void)state;
    expect(column("bigint", NULL), text("-9223372036854775808"), "-9223372036854775808");
    expect(column("decimal", NULL), text("0.10"), "0.10");
    expect(column("year", NULL), text("0"), "0");
    expect(column("bit", NULL), text("18446744073709551615"), "18446744073709551615");
    expect(column("int", NULL), (struct value){.state = VALUE_NULL}, "NULL");
}

static void floats_are_doubles_for_the_server(void **state)
{
    (void)state;
    expect(column("double", NULL), text("0.1"), "0.1e0");
    expect(column("double", NULL), text("-0"), "-0e0");
    expect(column("float", NULL), text("3.4028235e+38"), "3.4028235e+38");
    expect_key(column("float", NULL), text("0.1"), "0.10000000149011612e0");
    expect_key(column("double", NULL), text("5"), "5e0");
}

static void plain_text_is_quoted_and_all_else_is_hexadecimal(void **state)
{
    (void)state;
    expect(column("varchar", "utf8mb4"), text("abc -- %"), "_utf8mb4'abc -- %'");
    expect(column("varchar", "utf8mb4"), text(""), "_utf8mb4''");
    expect(column("varchar", "utf8mb4"), text("it's"), "_utf8mb4 X'69742773'");
    expect(column("text", "latin1"), text("a\\"), "_latin1 X'615C'");
    expect(column("char", "latin1"), text("\xe9"), "_latin1 X'E9'");
    expect(column("text", "utf8mb4"), text("a\nb"), "_utf8mb4 X'610A62'");
    expect(column("text", "utf8mb4"), text("\x7f"), "_utf8mb4 X'7F'");
    expect(column("varbinary", NULL), present("a\0b", 3), "_binary X'610062'");
    expect(column("blob", NULL), text("abc"), "_binary'abc'");
    expect(column("point", NULL), present("\0\0\0\0\1", 5), "_binary X'0000000001'");
    expect(column("vector", NULL), present("\0\0\x80\x3f", 4), "_binary X'0000803F'");
}

static void text_of_wide_characters_is_never_quoted(void **state)
{
    (void)state;
    expect(column("varchar", "utf16"), text("ab"), "_utf16 X'6162'");
    expect(column("varchar", "utf32"), present("\0\0\0a", 4), "_utf32 X'00000061'");
    expect(column("varchar", "ucs2"), present("\0a", 2), "_utf16 X'0061'");
    expect_of(my_add_value, MY_MARIADB, column("varchar", "ucs2"), present("\0a", 2), "_ucs2 X'0061'");
}

static void character_sets_of_which_the_server_warns_have_a_stand_in(void **state)
{
    (void)state;
    expect(column("varchar", "utf8mb3"), text("a"), "_utf8mb4'a'");
    expect(column("varchar", "utf8"), text("a"), "_utf8mb4'a'");
    expect_of(my_add_value, MY_MARIADB, column("varchar", "utf8mb3"), text("a"), "_utf8mb3'a'");
}

static void dates_and_addresses_are_quoted(void **state)
{
    (void)state;
    expect(column("datetime", NULL), text("0000-00-00 00:00:00.000"), "'0000-00-00 00:00:00.000'");
    expect(column("time", NULL), text("-838:59:59"), "'-838:59:59'");
    expect_of(my_add_value, MY_MARIADB, column("uuid", NULL), text("00000000-0000-0000-0000-000000000000"),
              "'00000000-0000-0000-0000-000000000000'");
    expect_of(my_add_value, MY_MARIADB, column("inet6", NULL), text("::"), "'::'");
}

static struct my_column members(const char *data_type, const char *charset, const char *const *names, int n)
{
    struct my_column c = column(data_type, charset);
    c.members = names;
    c.nmembers = n;
    return c;
}

static void members_are_written_by_their_names(void **state)
{
    (void)state;
    static const char *const names[] = {"small", "it's", "0"};
    struct my_column e = members("enum", "utf8mb4", names, 3), s = members("set", "utf8mb4", names, 3);
    expect(e, text("1"), "_utf8mb4'small'");
    expect(e, text("2"), "_utf8mb4 X'69742773'");
    expect(e, text("3"), "_utf8mb4'0'");
    expect(e, text("4"), NULL);
    expect(e, text("18446744073709551616"), NULL);
    expect(s, text("0"), "_utf8mb4''");
    expect(s, text("5"), "_utf8mb4'small,0'");
    expect(s, text("7"), "_utf8mb4 X'736D616C6C2C697427732C30'");
    expect(s, text("8"), NULL);
    expect_key(e, text("2"), "2");
    expect_key(s, text("5"), "5");
}

static void the_empty_error_value_is_a_number_that_no_member_is_called(void **state)
{
    (void)state;
    static const char *const names[] = {"small", "0", "\xef\xbc\x90\xef\xbc\x90"}; /* the last: two full-width zeros */
    expect(members("enum", "utf8mb4", names, 1), text("0"), "'0'");
    expect(members("enum", "utf8mb4", names, 2), text("0"), "'00'");
    expect(members("enum", "utf8mb4", names, 3), text("0"), "'000'");
    expect_of(my_add_value, MY_MARIADB, members("enum", "utf8mb4", names, 1), text("0"), NULL);
}

static void members_that_names_do_not_tell_apart_are_written_by_number(void **state)
{
    (void)state;
    static const char *const alike[] = {"a", "A"}, *const accents[] = {"e", "\xc3\xa9"}, *const empty[] = {"", "a"};
    expect(members("enum", "utf8mb4", alike, 2), text("2"), "2");
    expect(members("enum", "utf8mb4", accents, 2), text("2"), "2");
    expect(members("enum", "utf8mb4", empty, 2), text("1"), "_utf8mb4''");
    expect(members("set", "utf8mb4", empty, 2), text("1"), "1");
    expect(members("enum", "binary", empty, 2), text("2"), "2");
}

static void what_the_log_left_out_is_never_written(void **state)
{
    (void)state;
    expect(column("int", NULL), (struct value){.state = VALUE_ABSENT}, NULL);
    expect(column("int", NULL), (struct value){.state = VALUE_UNCHANGED}, NULL);
}

static void json_is_an_expression(void **state)
{
    (void)state;
    expect(column("json", NULL), present("\x05\x07\x00", 3), "CAST(_utf8mb4'7' AS JSON)");
    expect(column("json", NULL), present("\x05\x07", 2), NULL);
    expect_key(column("json", NULL), present("\x05\x07\x00", 3), NULL);
}

static void types_that_are_not_known_are_refused(void **state)
{
    (void)state;
    struct my_literal l;
    struct sc_error err;
    struct my_column unknown = column("xmltype", NULL), no_members = column("enum", "utf8mb4"),
                     json = column("json", NULL), no_charset = column("varchar", NULL);
    error_init(&err);
    assert_int_equal(my_literal_init(&l, MY_MYSQL, &unknown, &err), SC_REFUSE);
    assert_int_equal(my_literal_init(&l, MY_MYSQL, &no_members, &err), SC_REFUSE);
    assert_int_equal(my_literal_init(&l, MY_MARIADB, &json, &err), SC_REFUSE);
    assert_int_equal(my_literal_init(&l, MY_MYSQL, &no_charset, &err), SC_REFUSE);
}

/* --- bounds --- */

static void expect_bound(struct my_column c, const char *select, const char *bound, const char *want)
{
    struct my_literal l;
    struct sc_error err;
    struct buf b = {0};
    error_init(&err);
    assert_int_equal(my_literal_init(&l, MY_MYSQL, &c, &err), SC_OK);
    my_add_key_select(&b, &l, "s");
    assert_string_equal(b.data, select);
    buf_clear(&b);
    enum sc_result rc = my_add_key_literal(&b, &l, bound, &err);
    if (want) {
        assert_int_equal(rc, SC_OK);
        assert_string_equal(buf_cstr(&b), want);
    } else {
        assert_int_equal(rc, SC_FAIL);
    }
    buf_fini(&b);
}

static void bounds_come_and_go_in_a_form_that_loses_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"a"};
    struct my_column v = column("varchar", "latin1");
    v.collation = "latin1_german1_ci";
    expect_bound(column("int", NULL), "`s`.`c`", "-5", "-5");
    expect_bound(column("float", NULL), "`s`.`c` + 0e0", "0.5", "0.5e0");
    expect_bound(column("double", NULL), "`s`.`c` + 0e0", "1e300", "1e300");
    expect_bound(column("bit", NULL), "CAST(`s`.`c` AS UNSIGNED)", "7", "7");
    expect_bound(v, "HEX(`s`.`c`)", "41E9", "_latin1 X'41E9' COLLATE latin1_german1_ci");
    expect_bound(column("varbinary", NULL), "HEX(`s`.`c`)", "", "_binary X''");
    expect_bound(column("datetime", NULL), "`s`.`c`", "2026-01-01 00:00:00", "'2026-01-01 00:00:00'");
    expect_bound(members("enum", "utf8mb4", names, 1), "CAST(`s`.`c` AS UNSIGNED)", "1", "1");
    struct my_column three = column("varchar", "utf8mb3");
    three.collation = "utf8mb3_general_ci";
    expect_bound(three, "HEX(`s`.`c`)", "41", "_utf8mb4 X'41'");
}

static void a_damaged_bound_is_never_sent_to_the_server(void **state)
{
    (void)state;
    expect_bound(column("int", NULL), "`s`.`c`", "1 OR 1", NULL);
    expect_bound(column("int", NULL), "`s`.`c`", "", NULL);
    expect_bound(column("int", NULL), "`s`.`c`", "--5", NULL);
    expect_bound(column("int", NULL), "`s`.`c`", "e", NULL);
    expect_bound(column("varbinary", NULL), "HEX(`s`.`c`)", "4", NULL);
    expect_bound(column("varbinary", NULL), "HEX(`s`.`c`)", "4'", NULL);
    expect_bound(column("date", NULL), "`s`.`c`", "2026' OR '", NULL);
    expect_bound(column("date", NULL), "`s`.`c`", "", NULL);
    expect_bound(column("point", NULL), "HEX(`s`.`c`)", "00", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_as_they_are),
        cmocka_unit_test(floats_are_doubles_for_the_server),
        cmocka_unit_test(plain_text_is_quoted_and_all_else_is_hexadecimal),
        cmocka_unit_test(text_of_wide_characters_is_never_quoted),
        cmocka_unit_test(character_sets_of_which_the_server_warns_have_a_stand_in),
        cmocka_unit_test(dates_and_addresses_are_quoted),
        cmocka_unit_test(members_are_written_by_their_names),
        cmocka_unit_test(the_empty_error_value_is_a_number_that_no_member_is_called),
        cmocka_unit_test(members_that_names_do_not_tell_apart_are_written_by_number),
        cmocka_unit_test(what_the_log_left_out_is_never_written),
        cmocka_unit_test(json_is_an_expression),
        cmocka_unit_test(types_that_are_not_known_are_refused),
        cmocka_unit_test(bounds_come_and_go_in_a_form_that_loses_nothing),
        cmocka_unit_test(a_damaged_bound_is_never_sent_to_the_server),
    };
    return cmocka_run_group_tests_name("literals of MySQL and MariaDB", tests, NULL, NULL);
}
