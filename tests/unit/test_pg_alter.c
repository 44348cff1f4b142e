/* What is read out of the operator's ALTER on PostgreSQL, without a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "applier/postgres/alter.h"

/* "ALTER a TYPE int USING " and then a piece many times over, and the end. */
static char *repeated(const char *piece, size_t bytes, const char *end)
{
    struct buf b = {0};
    buf_str(&b, "ALTER a TYPE int USING a");
    while (b.len + strlen(piece) + strlen(end) <= bytes)
        buf_str(&b, piece);
    buf_str(&b, end);
    return buf_take(&b);
}

static void an_expression_may_be_as_deep_as_the_text_is_long(void **state)
{
    (void)state;
    static const char *const pieces[] = {"+a", "::t", " IS NULL", ".b", "[1]", "||a(b)"};
    static const size_t lengths[] = {1000, 2000, 20000};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
            char *text = repeated(pieces[i], lengths[k], "");
            struct alter alter;
            struct sc_error err;
            assert_int_equal(alter_parse(text, &alter, &err), SC_OK);
            assert_true(alter.parsed);
            assert_int_equal(alter.nusing, 1);
            assert_string_equal(alter.using[0].expression, text + strlen("ALTER a TYPE int USING"));
            alter_fini(&alter);
            mem_free(text);
        }
}

static void what_is_longer_is_refused(void **state)
{
    (void)state;
    char *text = repeated("+a", 300 << 10, "");
    struct alter alter;
    struct sc_error err;
    assert_int_equal(alter_parse(text, &alter, &err), SC_REFUSE);
    assert_non_null(strstr(err.what, "longer"));
    alter_fini(&alter);
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_expression_may_be_as_deep_as_the_text_is_long),
        cmocka_unit_test(what_is_longer_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
