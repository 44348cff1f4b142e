/* How long a silent server is waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cdc/postgres/silence.h"

#define S INT64_C(1000000)

static void a_server_that_speaks_is_never_silent_for_too_long(void **state)
{
    (void)state;
    struct silence s;
    silence_init(&s, 0);
    for (int64_t t = 0; t < 10000 * S; t += 70 * S) {
        assert_false(silence_over(&s, 1, t));
        silence_heard(&s, t);
    }
}

static void each_silence_in_vain_lets_the_next_last_twice_as_long_up_to_an_hour(void **state)
{
    (void)state;
    struct silence s;
    silence_init(&s, 0);
    int64_t now = 0, last = 0;
    for (int i = 0; i < 10; i++) {
        int64_t began = now;
        silence_heard(&s, now); /* a new connection */
        while (!silence_over(&s, 500, now))
            now += S;
        int64_t lasted = now - began;
        if (i == 0)
            assert_in_range(lasted, 75 * S, 77 * S);
        else if (last * 2 < 3600 * S)
            assert_in_range(lasted, last * 2 - 2 * S, last * 2 + 2 * S);
        else
            assert_in_range(lasted, 3600 * S, 3602 * S);
        last = lasted;
    }
}

static void a_server_that_gets_on_has_the_first_limit_again(void **state)
{
    (void)state;
    struct silence s;
    silence_init(&s, 0);
    assert_true(silence_over(&s, 500, 76 * S));
    silence_heard(&s, 76 * S);
    silence_moved(&s, 500); /* where it was before */
    assert_false(silence_over(&s, 500, 160 * S));
    silence_heard(&s, 160 * S);
    silence_moved(&s, 501);
    assert_false(silence_over(&s, 501, 230 * S));
    assert_true(silence_over(&s, 501, 236 * S));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_speaks_is_never_silent_for_too_long),
        cmocka_unit_test(each_silence_in_vain_lets_the_next_last_twice_as_long_up_to_an_hour),
        cmocka_unit_test(a_server_that_gets_on_has_the_first_limit_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
