/* How the copy gives way: against clients that are made up, and get as much done a second as a test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "applier/pace.h"
#include "base/clock.h"
#include "base/mem.h"

/* What the clients get done a second, while something is copied and while nothing is. */
struct target {
    pthread_mutex_t lock;
    double working, resting;
    int copying;
    double done;
    int64_t at_us;
    int64_t copied_us; /* with something being copied */
};

struct session {
    struct target *target;
};

static void pass(struct target *t)
{
    int64_t now = clock_us();
    t->done += (t->copying > 0 ? t->working : t->resting) * (double)(now - t->at_us) / 1e6;
    t->copied_us += t->copying > 0 ? now - t->at_us : 0;
    t->at_us = now;
}

static bool others_work(struct session *s, uint64_t *count)
{
    pthread_mutex_lock(&s->target->lock);
    pass(s->target);
    *count = (uint64_t)s->target->done;
    pthread_mutex_unlock(&s->target->lock);
    return true;
}

static const struct target_ops ops = {.others_work = others_work}, blind = {0};

static void chunk(struct pace *pace, struct session *s, int ms)
{
    pace_enter(pace, s);
    pthread_mutex_lock(&s->target->lock);
    pass(s->target);
    s->target->copying++;
    pthread_mutex_unlock(&s->target->lock);
    clock_sleep_ms(ms);
    pthread_mutex_lock(&s->target->lock);
    pass(s->target);
    s->target->copying--;
    pthread_mutex_unlock(&s->target->lock);
    pace_leave(pace, s);
}

/* For so long: which share of it was copied in. */
static double share_of_copying(const struct target_ops *with, double working, double resting, int64_t ms)
{
    struct target t = {.lock = PTHREAD_MUTEX_INITIALIZER, .working = working, .resting = resting, .at_us = clock_us()};
    struct session s = {&t};
    struct gate *gate = gate_new();
    struct pace *pace = pace_new(with, gate);
    int64_t began = clock_us();
    while (clock_us() < began + ms * 1000)
        chunk(pace, &s, 50);
    double share = (double)t.copied_us / (double)(clock_us() - began);
    pace_free(pace);
    gate_free(gate);
    return share;
}

static void a_rest_is_as_long_as_it_has_to_be(void **state)
{
    (void)state;
    /* Others lose half of it while it works: three tenths of the time are left for that. */
    assert_in_range(pace_rest_us(500, 1000, 600000), 1300000, 1500000);
    /* Nobody is held up, nobody is there, or nothing is known. */
    assert_int_equal(pace_rest_us(1000, 1000, 600000), 0);
    assert_int_equal(pace_rest_us(1200, 1000, 600000), 0);
    assert_int_equal(pace_rest_us(900, 1000, 600000), 0);
    assert_int_equal(pace_rest_us(0, 0, 600000), 0);
    assert_int_equal(pace_rest_us(5, 20, 600000), 0);
    assert_int_equal(pace_rest_us(-1, 1000, 600000), 0);
    assert_int_equal(pace_rest_us(500, -1, 600000), 0);
    /* The copy goes on even if nobody else does anything at all meanwhile. */
    assert_in_range(pace_rest_us(0, 1000, 200000), 1000000, 1800000);
    assert_int_equal(pace_rest_us(0, 1000, 60000000), 3000000);
}

static void nobody_else_at_work_is_not_given_way(void **state)
{
    (void)state;
    assert_true(share_of_copying(&ops, 0, 0, 1500) > 0.9);
    assert_true(share_of_copying(&ops, 10, 20, 1500) > 0.9);
}

static void a_server_that_cannot_tell_is_not_given_way(void **state)
{
    (void)state;
    assert_true(share_of_copying(&blind, 500, 1000, 1000) > 0.9);
}

static void clients_that_lose_much_are_given_way(void **state)
{
    (void)state;
    double share = share_of_copying(&ops, 400, 1000, 6000);
    if (share > 0.5 || share < 0.1)
        fail_msg("it copied for %.2f of the time", share);
}

static void clients_that_lose_nothing_cost_little(void **state)
{
    (void)state;
    double share = share_of_copying(&ops, 1000, 1000, 6000);
    if (share < 0.6)
        fail_msg("it copied for %.2f of the time", share);
}

static void *be_stuck(void *arg)
{
    struct pace *pace = ((void **)arg)[0];
    chunk(pace, ((void **)arg)[1], 6000);
    return NULL;
}

static void a_chunk_that_is_stuck_keeps_no_other_waiting(void **state)
{
    (void)state;
    struct target t = {.lock = PTHREAD_MUTEX_INITIALIZER, .working = 100, .resting = 1000, .at_us = clock_us()};
    struct session stuck = {&t}, s = {&t};
    struct gate *gate = gate_new();
    struct pace *pace = pace_new(&ops, gate);
    pthread_t thread;
    int64_t until = clock_us() + 5000000;
    int chunks = 0;
    assert_int_equal(pthread_create(&thread, NULL, be_stuck, (void *[]){pace, &stuck}), 0);
    clock_sleep_ms(100);
    for (; clock_us() < until; chunks++)
        chunk(pace, &s, 50);
    assert_true(chunks >= 6);
    pthread_join(thread, NULL);
    pace_free(pace);
    gate_free(gate);
}

static void *close_soon(void *pace)
{
    clock_sleep_ms(1000);
    pace_close(pace);
    return NULL;
}

static void a_rest_ends_when_it_is_over_with_the_copy(void **state)
{
    (void)state;
    struct target t = {.lock = PTHREAD_MUTEX_INITIALIZER, .working = 1, .resting = 1000, .at_us = clock_us()};
    struct session s = {&t};
    struct gate *gate = gate_new();
    struct pace *pace = pace_new(&ops, gate);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, close_soon, pace), 0);
    int64_t began = clock_us();
    for (int i = 0; i < 10; i++)
        chunk(pace, &s, 200); /* at the rate from before it would take some 20 seconds */
    assert_true(clock_us() - began < 6000000);
    pthread_join(thread, NULL);
    pace_free(pace);
    gate_free(gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rest_is_as_long_as_it_has_to_be),
        cmocka_unit_test(nobody_else_at_work_is_not_given_way),
        cmocka_unit_test(a_server_that_cannot_tell_is_not_given_way),
        cmocka_unit_test(clients_that_lose_much_are_given_way),
        cmocka_unit_test(clients_that_lose_nothing_cost_little),
        cmocka_unit_test(a_chunk_that_is_stuck_keeps_no_other_waiting),
        cmocka_unit_test(a_rest_ends_when_it_is_over_with_the_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
