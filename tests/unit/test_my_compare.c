/* Which values the server compares exactly although their types differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "applier/mysql/comparison.h"

/* "int unsigned", "varchar(10) latin1": the type, and the character set of a text. */
static struct my_column column(const char *text, char type[static 64], char data_type[static 64])
{
    size_t len = strcspn(text, "!");
    memset(type, 0, 64);
    memset(data_type, 0, 64);
    memcpy(type, text, len);
    memcpy(data_type, text, strcspn(text, "( !"));
    return (struct my_column){.type = type, .data_type = data_type, .charset = text[len] ? text + len + 1 : NULL};
}

static bool comparable(const char *a, const char *b)
{
    char types[4][64];
    struct my_column ac = column(a, types[0], types[1]), bc = column(b, types[2], types[3]);
    assert_int_equal(my_comparable(&ac, &bc), my_comparable(&bc, &ac));
    return my_comparable(&ac, &bc);
}

static void whole_numbers_are_compared_as_they_are(void **state)
{
    (void)state;
    assert_true(comparable("int(11)", "bigint(20)"));
    assert_true(comparable("smallint unsigned", "mediumint"));
    assert_false(comparable("int(5) unsigned zerofill", "bigint"));
    assert_false(comparable("int", "decimal(10,0)"));
    assert_false(comparable("int", "double"));
    assert_false(comparable("int", "year(4)"));
    assert_false(comparable("int", "varchar(10)!utf8mb4"));
    assert_false(comparable("bit(8)", "int"));
}

static void texts_are_compared_as_they_are_in_one_character_set(void **state)
{
    (void)state;
    assert_true(comparable("varchar(10)!utf8mb4", "varchar(20)!utf8mb4"));
    assert_true(comparable("varchar(10)!latin1", "longtext!latin1"));
    assert_false(comparable("varchar(10)!latin1", "varchar(10)!utf8mb4"));
    assert_false(comparable("char(10)!utf8mb4", "varchar(10)!utf8mb4")); /* blanks at the end */
    assert_false(comparable("varchar(10)!utf8mb4", "json"));
    assert_false(comparable("varchar(10)!utf8mb4", "varbinary(10)"));
}

static void bytes_are_compared_as_they_are(void **state)
{
    (void)state;
    assert_true(comparable("varbinary(10)", "blob"));
    assert_false(comparable("binary(10)", "varbinary(10)")); /* zeros at the end */
}

static void what_rounds_is_converted(void **state)
{
    (void)state;
    assert_false(comparable("decimal(10,2)", "decimal(10,3)"));
    assert_false(comparable("float", "double"));
    assert_false(comparable("datetime", "datetime(6)"));
    assert_false(comparable("enum('a','b')!utf8mb4", "enum('b','a')!utf8mb4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_compared_as_they_are),
        cmocka_unit_test(texts_are_compared_as_they_are_in_one_character_set),
        cmocka_unit_test(bytes_are_compared_as_they_are),
        cmocka_unit_test(what_rounds_is_converted),
    };
    return cmocka_run_group_tests_name("comparing types", tests, NULL, NULL);
}
