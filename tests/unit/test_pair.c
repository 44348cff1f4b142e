/* Which column is which, and which of two tables takes the source's part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "applier/pair.h"

static const char *name_of(const void *table, int column)
{
    return ((const char *const *)table)[column];
}

static const char *const a_names[] = {"id", "Total", "note"};
static const char *const b_names[] = {"note", "id", "amount", "total"};

static enum sc_result match(const char *map, bool fold, int of[static 3], struct sc_error *err)
{
    return pair_columns(map, (struct pair_side){a_names, 3, name_of}, (struct pair_side){b_names, 4, name_of}, fold, of,
                        err);
}

static void columns_are_matched_by_name(void **state)
{
    (void)state;
    int of[3];
    struct sc_error err;
    assert_int_equal(match(NULL, false, of, &err), SC_OK);
    assert_int_equal(of[0], 1);
    assert_int_equal(of[1], -1);
    assert_int_equal(of[2], 0);
    assert_int_equal(match(NULL, true, of, &err), SC_OK);
    assert_int_equal(of[1], 3);
}

static void the_map_says_which_column_is_which(void **state)
{
    (void)state;
    int of[3];
    struct sc_error err;
    assert_int_equal(match("Total=amount", true, of, &err), SC_OK);
    assert_int_equal(of[1], 2);
    /* What was given away is nobody else's. */
    assert_int_equal(match("id=note,Total=id", false, of, &err), SC_OK);
    assert_int_equal(of[0], 0);
    assert_int_equal(of[1], 1);
    assert_int_equal(of[2], -1);
}

static void a_map_that_cannot_be_is_refused(void **state)
{
    (void)state;
    int of[3];
    struct sc_error err;
    static const char *const maps[] = {
        "id", "=id", "id=", "x=id", "id=x", "id=note,id=id", "id=note,note=note", "id=note,note", ",", "id,", "id=a=b"};
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        error_init(&err);
        if (match(maps[i], false, of, &err) != SC_REFUSE)
            fail_msg("was taken: %s", maps[i]);
        assert_non_null(strstr(err.what, "--map"));
    }
}

struct answers {
    bool stays[2], key[2]; /* not swapped, swapped */
    int asked;
};

static bool stays(void *arg, int a, int b, bool swapped)
{
    (void)a, (void)b;
    return ((const struct answers *)arg)->stays[swapped];
}

static bool find_key(void *arg, bool swapped)
{
    struct answers *answers = arg;
    answers->asked = swapped;
    return answers->key[swapped];
}

static void the_part_is_chosen_that_drops_nothing(void **state)
{
    (void)state;
    static const struct {
        struct answers answers;
        bool put_aside, found, swapped;
    } cases[] = {
        {{{true, true}, {true, true}, 0}, false, true, false},
        {{{true, true}, {true, true}, 0}, true, true, true},
        {{{false, true}, {true, true}, 0}, false, true, true},
        {{{false, false}, {true, true}, 0}, false, true, false},
        {{{false, true}, {true, false}, 0}, false, true, false},
        {{{true, false}, {false, true}, 0}, false, true, true},
        {{{true, true}, {true, false}, 0}, true, true, false},
        {{{true, true}, {false, false}, 0}, false, false, false},
    };
    static const int of[] = {-1, 0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct answers answers = cases[i].answers;
        bool swapped = false;
        const struct pair_view view = {&answers, of, 2, stays, find_key};
        assert_int_equal(pair_direction(&view, cases[i].put_aside, &swapped), cases[i].found);
        assert_int_equal(swapped, cases[i].swapped);
        assert_int_equal(answers.asked, swapped);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_matched_by_name),
        cmocka_unit_test(the_map_says_which_column_is_which),
        cmocka_unit_test(a_map_that_cannot_be_is_refused),
        cmocka_unit_test(the_part_is_chosen_that_drops_nothing),
    };
    return cmocka_run_group_tests_name("pair", tests, NULL, NULL);
}
