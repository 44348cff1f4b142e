/* Parts of a batch, against a target that only writes down what it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "applier/parts.h"
#include "base/mem.h"

enum { PARTS = 5 };

struct target {
    pthread_mutex_t lock;
    int opened, closed;
    int in[PARTS];    /* steps of each part that are in */
    int asked[PARTS]; /* how often each part was asked for */
    uint32_t lost_part, bad_part;
    int lost_step, bad_step; /* 0: none */
    bool refuse_sessions;
};

struct session {
    struct target *target;
};

static enum sc_result session_open(struct target *t, const char *role, struct session **out, struct sc_error *err)
{
    (void)role;
    pthread_mutex_lock(&t->lock);
    bool refused = t->refuse_sessions;
    t->opened += !refused;
    pthread_mutex_unlock(&t->lock);
    if (refused)
        return error_set(err, SC_RETRY, "no more connections");
    *out = mem_alloc(sizeof(**out));
    (*out)->target = t;
    return SC_OK;
}

static void session_close(struct session *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->target->lock);
    s->target->closed++;
    pthread_mutex_unlock(&s->target->lock);
    mem_free(s);
}

static enum sc_result part_apply(struct session *s, const struct batch *batch, const struct parts_cut *cut, int step,
                                 struct sc_error *err)
{
    struct target *t = s->target;
    enum sc_result result = SC_OK;
    pthread_mutex_lock(&t->lock);
    t->asked[batch->part]++;
    for (uint32_t i = 0; i < cut->parts; i++)
        if (t->in[i] < step - 1)
            result = error_set(err, SC_FAIL, "step %d began while part %u was in step %d", step, i, t->in[i]);
    if (batch->parts != cut->parts)
        result = error_set(err, SC_FAIL, "the batch does not know that it is in parts");
    if (result == SC_OK && t->bad_step == step && t->bad_part == batch->part)
        result = error_set(err, SC_FAIL, "a row does not fit");
    if (result == SC_OK && t->in[batch->part] < step)
        t->in[batch->part] = step;
    if (result == SC_OK && t->lost_step == step && t->lost_part == batch->part) {
        t->lost_step = 0; /* it is in, and the answer is lost */
        result = error_set(err, SC_RETRY, "the connection was lost");
    }
    pthread_mutex_unlock(&t->lock);
    return result;
}

static const struct target_ops ops = {
    .session_open = session_open, .session_close = session_close, .part_apply = part_apply};

struct fixture {
    struct target target;
    struct session *first;
    struct parts *parts;
    struct fold *fold;
    struct batch batch;
};

static void begin(struct fixture *f)
{
    static const uint16_t key = 0;
    *f = (struct fixture){.target.lock = PTHREAD_MUTEX_INITIALIZER};
    struct sc_error err;
    assert_int_equal(session_open(&f->target, "apply", &f->first, &err), SC_OK);
    f->parts = parts_new(&ops, &f->target);
    f->fold = fold_new(&key, 1, 1);
    f->batch.fold = f->fold;
}

static void end(struct fixture *f)
{
    parts_free(f->parts);
    session_close(f->first);
    fold_free(f->fold);
    assert_int_equal(f->target.opened, f->target.closed);
}

static enum sc_result run(struct fixture *f, int steps, struct sc_error *err)
{
    struct parts_cut cut = {.parts = PARTS, .steps = steps};
    return parts_run(f->parts, f->first, &f->batch, &cut, err);
}

static void every_part_takes_every_step_and_none_before_all_have_taken_the_one_before(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct sc_error err;
    for (int steps = 1; steps <= 2; steps++) {
        for (int i = 0; i < PARTS; i++)
            f.target.in[i] = f.target.asked[i] = 0;
        for (int again = 0; again < 200; again++) {
            for (int i = 0; i < PARTS; i++)
                f.target.in[i] = 0;
            assert_int_equal(run(&f, steps, &err), SC_OK);
        }
        for (int i = 0; i < PARTS; i++) {
            assert_int_equal(f.target.in[i], steps);
            assert_int_equal(f.target.asked[i], 200 * steps);
        }
    }
    assert_int_equal(f.target.opened, PARTS); /* once, and the first is the caller's */
    end(&f);
}

static void a_lost_connection_lets_the_same_batch_go_on_with_a_new_one(void **state)
{
    (void)state;
    for (uint32_t part = 0; part < PARTS; part++)
        for (int step = 1; step <= 2; step++) {
            struct fixture f;
            begin(&f);
            f.target.lost_part = part;
            f.target.lost_step = step;
            struct sc_error err;
            assert_int_equal(run(&f, 2, &err), SC_RETRY);
            assert_int_equal(run(&f, 2, &err), SC_OK);
            for (int i = 0; i < PARTS; i++)
                assert_int_equal(f.target.in[i], 2);
            assert_int_equal(f.target.opened, part == 0 ? PARTS : PARTS + 1); /* the first is the caller's to renew */
            end(&f);
        }
}

static void a_row_that_does_not_fit_counts_more_than_a_lost_connection(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    f.target.lost_part = 1;
    f.target.bad_part = 3;
    f.target.lost_step = f.target.bad_step = 1;
    struct sc_error err;
    assert_int_equal(run(&f, 2, &err), SC_FAIL);
    assert_string_equal(err.what, "a row does not fit");
    for (int i = 0; i < PARTS; i++)
        assert_true(f.target.in[i] <= 1); /* nobody took the second step */
    end(&f);
}

static void parts_without_a_connection_of_their_own_are_applied_on_the_first(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct sc_error err;
    f.target.refuse_sessions = true;
    assert_int_equal(run(&f, 2, &err), SC_OK);
    for (int i = 0; i < PARTS; i++)
        assert_int_equal(f.target.in[i], 2);
    assert_int_equal(f.target.opened, 1);
    f.target.refuse_sessions = false;
    assert_int_equal(run(&f, 2, &err), SC_OK);
    assert_int_equal(f.target.opened, PARTS);
    end(&f);
}

static void without_the_first_connection_nothing_goes_on_until_it_is_renewed(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    struct sc_error err;
    f.target.refuse_sessions = true;
    f.target.lost_part = 0;
    f.target.lost_step = 1;
    assert_int_equal(run(&f, 2, &err), SC_RETRY);
    assert_int_equal(f.target.in[1], 0);
    assert_int_equal(run(&f, 2, &err), SC_OK);
    for (int i = 0; i < PARTS; i++)
        assert_int_equal(f.target.in[i], 2);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_takes_every_step_and_none_before_all_have_taken_the_one_before),
        cmocka_unit_test(a_lost_connection_lets_the_same_batch_go_on_with_a_new_one),
        cmocka_unit_test(a_row_that_does_not_fit_counts_more_than_a_lost_connection),
        cmocka_unit_test(parts_without_a_connection_of_their_own_are_applied_on_the_first),
        cmocka_unit_test(without_the_first_connection_nothing_goes_on_until_it_is_renewed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
