/* The copy's driver against a table that is kept in memory: every row is copied once, whatever happens on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "applier/copy.h"
#include "base/clock.h"
#include "base/mem.h"

enum { ROWS = 30000, WORKERS = 4, CHUNKS_MOST = 4000 };

/* Keys are the numbers 1 to ROWS as text. */
struct target {
    pthread_mutex_t lock;
    int rows;
    uint8_t copied[ROWS + 1]; /* how often */
    struct chunk recorded[CHUNKS_MOST];
    size_t nrecorded;
    int sessions;
    unsigned seed;
    int us_per_row;
    int lose_before, lose_behind; /* one chunk in so many loses its connection before, or behind its commit */
    uint64_t fail_behind;         /* so many chunks, then one fails for good; 0: none does */
    uint64_t longest;             /* rows of a chunk */
    uint64_t rows_most;           /* that a chunk should have; 0: no limit */
    bool stuck;                   /* no chunk can be copied for now */
    bool endless;                 /* a chunk waits until it is interrupted */
    int waiting, interruptions;
    pthread_cond_t interrupted;
};

struct session {
    struct target *target;
};

static int number(const struct key *key, int none)
{
    return key ? (int)strtol(key->values[0], NULL, 10) : none;
}

static struct key *key_of(int n)
{
    struct key *key = mem_alloc(sizeof(*key));
    key->count = 1;
    key->values = mem_array(1, sizeof(*key->values));
    key->values[0] = mem_printf("%d", n);
    return key;
}

static enum sc_result session_open(struct target *t, const char *role, struct session **out, struct sc_error *err)
{
    (void)role;
    (void)err;
    pthread_mutex_lock(&t->lock);
    t->sessions++;
    pthread_mutex_unlock(&t->lock);
    *out = mem_alloc(sizeof(**out));
    (*out)->target = t;
    return SC_OK;
}

static void session_close(struct session *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->target->lock);
    s->target->sessions--;
    pthread_mutex_unlock(&s->target->lock);
    mem_free(s);
}

static enum sc_result chunk_bound(struct session *s, const struct key *after, uint64_t rows, struct key **upto,
                                  struct sc_error *err)
{
    (void)err;
    uint64_t n = (uint64_t)number(after, 0) + rows;
    *upto = n <= (uint64_t)s->target->rows ? key_of((int)n) : NULL;
    return SC_OK;
}

static bool one_in(struct target *t, int n)
{
    t->seed = t->seed * 1103515245u + 12345u;
    return n > 0 && t->seed / 65536 % (unsigned)n == 0;
}

/* As a database does it: the rows and the record come together, and a chunk that is recorded is not copied again. */
static enum sc_result chunk_copy(struct session *s, const struct chunk *chunk, uint64_t *rows, struct sc_error *err)
{
    struct target *t = s->target;
    int first = number(chunk->after, 0) + 1, last = number(chunk->upto, t->rows);
    *rows = last >= first ? (uint64_t)(last - first + 1) : 0;
    if (t->us_per_row > 0) {
        struct timespec wait = {.tv_nsec = (long)*rows * t->us_per_row * 1000 % 1000000000};
        nanosleep(&wait, NULL);
    }
    enum sc_result result = SC_OK;
    pthread_mutex_lock(&t->lock);
    if (t->endless) {
        int before = t->interruptions;
        t->waiting++;
        while (t->interruptions == before)
            pthread_cond_wait(&t->interrupted, &t->lock);
        pthread_mutex_unlock(&t->lock);
        return error_set(err, SC_RETRY, "interrupted");
    }
    bool there = false;
    for (size_t i = 0; i < t->nrecorded; i++)
        there |= t->recorded[i].number == chunk->number;
    if (t->stuck) {
        result = error_set(err, SC_RETRY, "somebody keeps a row locked");
    } else if (!there && one_in(t, t->lose_before)) {
        result = error_set(err, SC_RETRY, "lost before the commit");
    } else if (!there && t->fail_behind > 0 && t->nrecorded >= t->fail_behind) {
        result = error_set(err, SC_FAIL, "a row does not fit");
    } else if (!there) {
        for (int i = first; i <= last; i++)
            t->copied[i]++;
        assert_true(t->nrecorded < CHUNKS_MOST);
        t->recorded[t->nrecorded++] =
            (struct chunk){.number = chunk->number, .after = key_copy(chunk->after), .upto = key_copy(chunk->upto)};
        t->longest = *rows > t->longest ? *rows : t->longest;
        if (one_in(t, t->lose_behind))
            result = error_set(err, SC_RETRY, "lost behind the commit");
    }
    pthread_mutex_unlock(&t->lock);
    return result;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const struct chunk *)a)->number, y = ((const struct chunk *)b)->number;
    return x < y ? -1 : x > y;
}

static enum sc_result chunks_load(struct session *s, struct chunk **chunks, size_t *count, struct sc_error *err)
{
    (void)err;
    struct target *t = s->target;
    qsort(t->recorded, t->nrecorded, sizeof(t->recorded[0]), by_number);
    *count = t->nrecorded;
    *chunks = mem_array(t->nrecorded + 1, sizeof(**chunks));
    for (size_t i = 0; i < t->nrecorded; i++)
        (*chunks)[i] = (struct chunk){.number = t->recorded[i].number,
                                      .after = key_copy(t->recorded[i].after),
                                      .upto = key_copy(t->recorded[i].upto)};
    return SC_OK;
}

static enum sc_result chunk_rows_most(struct session *s, int workers, uint64_t *rows, struct sc_error *err)
{
    (void)workers, (void)err;
    if (s->target->rows_most)
        *rows = s->target->rows_most;
    return SC_OK;
}

static void interrupt_all(struct target *t)
{
    pthread_mutex_lock(&t->lock);
    t->interruptions++;
    pthread_cond_broadcast(&t->interrupted);
    pthread_mutex_unlock(&t->lock);
}

static const struct target_ops ops = {.session_open = session_open,
                                      .session_close = session_close,
                                      .interrupt = interrupt_all,
                                      .chunk_bound = chunk_bound,
                                      .chunk_rows_most = chunk_rows_most,
                                      .chunk_copy = chunk_copy,
                                      .chunks_load = chunks_load};

static struct target *target_new(int rows)
{
    struct target *t = mem_alloc(sizeof(*t));
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->interrupted, NULL);
    t->rows = rows;
    t->seed = 1;
    return t;
}

static void target_free(struct target *t)
{
    assert_int_equal(t->sessions, 0);
    for (size_t i = 0; i < t->nrecorded; i++) {
        key_free(t->recorded[i].after);
        key_free(t->recorded[i].upto);
    }
    pthread_cond_destroy(&t->interrupted);
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
}

/* Runs it until it ends, or stops it once so many chunks are in. */
static enum sc_result run(struct target *t, int64_t chunk_time_ms, size_t stop_behind, struct walk_stats *stats,
                          struct sc_error *err)
{
    struct copy_config config = {.ops = &ops,
                                 .target = t,
                                 .gate = gate_new(),
                                 .workers = WORKERS,
                                 .chunk_time_ms = chunk_time_ms,
                                 .give_up_ms = 10000};
    struct walk *copy = NULL;
    enum sc_result result = copy_start(&config, &copy, err);
    for (bool running = result == SC_OK; running;) {
        result = walk_wait(copy, 1, &running, err);
        if (!running)
            break;
        pthread_mutex_lock(&t->lock);
        bool stop = stop_behind > 0 && t->nrecorded >= stop_behind;
        pthread_mutex_unlock(&t->lock);
        if (stop) {
            result = SC_STOP;
            break;
        }
    }
    if (stats && copy)
        walk_stats(copy, stats);
    walk_stop(copy);
    gate_free(config.gate);
    return result;
}

static void assert_each_once(const struct target *t)
{
    for (int i = 1; i <= t->rows; i++)
        if (t->copied[i] != 1)
            fail_msg("row %d was copied %d times", i, t->copied[i]);
}

static void every_row_is_copied_once_by_many_workers(void **state)
{
    (void)state;
    const int sizes[] = {0, 1, 1999, 2000, 2001, ROWS};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct target *t = target_new(sizes[i]);
        struct sc_error err;
        struct walk_stats stats;
        assert_int_equal(run(t, 5, 0, &stats, &err), SC_OK);
        assert_each_once(t);
        assert_true(stats.done);
        assert_int_equal(stats.rows, sizes[i]);
        target_free(t);
    }
}

static void lost_connections_neither_lose_nor_double_a_chunk(void **state)
{
    (void)state;
    struct target *t = target_new(ROWS);
    t->lose_before = 5;
    t->lose_behind = 5;
    t->us_per_row = 1;
    struct sc_error err;
    assert_int_equal(run(t, 1, 0, NULL, &err), SC_OK);
    assert_each_once(t);
    target_free(t);
}

static void chunks_that_do_not_end_are_interrupted_when_it_stops(void **state)
{
    (void)state;
    struct target *t = target_new(ROWS);
    t->endless = true;
    struct sc_error err;
    struct copy_config config = {
        .ops = &ops, .target = t, .gate = gate_new(), .workers = 2, .chunk_time_ms = 5, .give_up_ms = 60000};
    struct walk *copy = NULL;
    assert_int_equal(copy_start(&config, &copy, &err), SC_OK);
    for (int waiting = 0; waiting < 2;) {
        bool running;
        assert_int_equal(walk_wait(copy, 5, &running, &err), SC_OK);
        assert_true(running);
        pthread_mutex_lock(&t->lock);
        waiting = t->waiting;
        assert_int_equal(t->interruptions, 0);
        pthread_mutex_unlock(&t->lock);
    }
    walk_stop(copy);
    gate_free(config.gate);
    assert_true(t->interruptions > 0);
    assert_int_equal(t->nrecorded, 0);
    target_free(t);
}

static void a_copy_stopped_again_and_again_goes_on_with_what_is_missing(void **state)
{
    (void)state;
    struct target *t = target_new(ROWS);
    t->us_per_row = 1;
    struct sc_error err;
    enum sc_result result = SC_STOP;
    int starts = 0;
    for (size_t behind = 3; result != SC_OK; behind += 3, starts++)
        result = run(t, 1, behind, NULL, &err);
    assert_true(starts > 3);
    assert_each_once(t);
    target_free(t);
}

static void holes_that_a_crash_left_are_filled_and_nothing_else(void **state)
{
    (void)state;
    struct target *t = target_new(ROWS);
    t->us_per_row = 2;
    struct sc_error err;
    assert_int_equal(run(t, 1, 0, NULL, &err), SC_OK);
    qsort(t->recorded, t->nrecorded, sizeof(t->recorded[0]), by_number);
    /* Every third chunk had not been committed, the first and the last among them. */
    size_t kept = 0;
    for (size_t i = 0; i < t->nrecorded; i++) {
        struct chunk *chunk = &t->recorded[i];
        if (i % 3 != 0 && i + 1 != t->nrecorded) {
            t->recorded[kept++] = *chunk;
            continue;
        }
        for (int row = number(chunk->after, 0) + 1; row <= number(chunk->upto, t->rows); row++)
            t->copied[row]--;
        key_free(chunk->after);
        key_free(chunk->upto);
    }
    assert_true(kept > 2 && kept < t->nrecorded);
    t->nrecorded = kept;
    assert_int_equal(run(t, 1, 0, NULL, &err), SC_OK);
    assert_each_once(t);
    target_free(t);
}

static void the_size_of_chunks_follows_the_time_they_take(void **state)
{
    (void)state;
    struct target *slow = target_new(ROWS), *fast = target_new(ROWS);
    slow->us_per_row = 20; /* 2000 rows: 40 ms */
    struct sc_error err;
    struct walk_stats slow_stats, fast_stats;
    assert_int_equal(run(slow, 10, 0, &slow_stats, &err), SC_OK);
    assert_int_equal(run(fast, 1000, 0, &fast_stats, &err), SC_OK);
    assert_true(slow_stats.chunk_rows < 2000);
    assert_true(fast_stats.chunk_rows > 2000);
    assert_true(fast->longest > slow->longest);
    target_free(slow);
    target_free(fast);
}

static void no_chunk_is_larger_than_the_server_should_have(void **state)
{
    (void)state;
    struct target *t = target_new(ROWS);
    t->rows_most = 700;
    struct sc_error err;
    assert_int_equal(run(t, 1000, 0, NULL, &err), SC_OK);
    assert_int_equal(t->longest, 700);
    assert_each_once(t);
    target_free(t);
}

static void a_chunk_that_fails_for_good_ends_the_copy_with_its_reason(void **state)
{
    (void)state;
    struct target *t = target_new(ROWS);
    t->fail_behind = 3;
    struct sc_error err;
    struct walk_stats stats;
    assert_int_equal(run(t, 1, 0, &stats, &err), SC_FAIL);
    assert_string_equal(err.what, "a row does not fit");
    assert_false(stats.done);
    target_free(t);
}

static void a_chunk_that_fails_for_too_long_ends_the_copy(void **state)
{
    (void)state;
    struct target *t = target_new(ROWS);
    t->stuck = true;
    struct copy_config config = {
        .ops = &ops, .target = t, .gate = gate_new(), .workers = 2, .chunk_time_ms = 5, .give_up_ms = 300};
    struct walk *copy = NULL;
    struct sc_error err;
    assert_int_equal(copy_start(&config, &copy, &err), SC_OK);
    bool running = true;
    enum sc_result result = SC_OK;
    for (int i = 0; i < 1000 && running; i++)
        result = walk_wait(copy, 10, &running, &err);
    assert_false(running);
    assert_int_equal(result, SC_RETRY);
    assert_string_equal(err.what, "somebody keeps a row locked");
    walk_stop(copy);
    gate_free(config.gate);
    target_free(t);
}

static void changes_have_their_turn_while_a_chunk_is_tried_again(void **state)
{
    (void)state;
    struct target *t = target_new(ROWS);
    t->stuck = true;
    struct copy_config config = {
        .ops = &ops, .target = t, .gate = gate_new(), .workers = 2, .chunk_time_ms = 5, .give_up_ms = 60000};
    struct walk *copy = NULL;
    struct sc_error err;
    assert_int_equal(copy_start(&config, &copy, &err), SC_OK);
    for (int i = 0; i < 3; i++) {
        assert_true(gate_enter_apply(config.gate));
        gate_leave_apply(config.gate);
    }
    pthread_mutex_lock(&t->lock);
    assert_int_equal(t->nrecorded, 0);
    t->stuck = false;
    pthread_mutex_unlock(&t->lock);
    enum sc_result result = SC_OK;
    for (bool running = true; running;)
        result = walk_wait(copy, 10, &running, &err);
    assert_int_equal(result, SC_OK);
    walk_stop(copy);
    gate_free(config.gate);
    assert_each_once(t);
    target_free(t);
}

/* --- the gate
 * ------------------------------------------------------------------------------------------------------------ */

struct traffic {
    struct gate *gate;
    pthread_mutex_t lock;
    int copying, applying;
    int chunks, batches;
    bool broken;
};

static void *copy_for_ever(void *arg)
{
    struct traffic *traffic = arg;
    while (gate_enter_copy(traffic->gate)) {
        pthread_mutex_lock(&traffic->lock);
        traffic->copying++;
        traffic->broken |= traffic->applying > 0;
        pthread_mutex_unlock(&traffic->lock);
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        pthread_mutex_lock(&traffic->lock);
        traffic->copying--;
        traffic->chunks++;
        pthread_mutex_unlock(&traffic->lock);
        gate_leave_copy(traffic->gate);
    }
    return NULL;
}

static void *apply_for_ever(void *arg)
{
    struct traffic *traffic = arg;
    while (gate_enter_apply(traffic->gate)) {
        pthread_mutex_lock(&traffic->lock);
        traffic->applying++;
        traffic->broken |= traffic->copying > 0 || traffic->applying > 1;
        pthread_mutex_unlock(&traffic->lock);
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        pthread_mutex_lock(&traffic->lock);
        traffic->applying--;
        traffic->batches++;
        pthread_mutex_unlock(&traffic->lock);
        gate_leave_apply(traffic->gate);
    }
    return NULL;
}

static void chunks_and_batches_never_run_at_once_and_neither_starves(void **state)
{
    (void)state;
    struct traffic traffic = {.gate = gate_new(), .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[WORKERS + 1];
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, copy_for_ever, &traffic), 0);
    assert_int_equal(pthread_create(&threads[WORKERS], NULL, apply_for_ever, &traffic), 0);
    int64_t deadline = clock_us() + 20000000;
    for (bool enough = false; !enough;) {
        clock_sleep_ms(5);
        pthread_mutex_lock(&traffic.lock);
        enough = (traffic.chunks >= 200 && traffic.batches >= 200) || clock_us() > deadline;
        pthread_mutex_unlock(&traffic.lock);
    }
    gate_close(traffic.gate);
    for (int i = 0; i <= WORKERS; i++)
        pthread_join(threads[i], NULL);
    assert_false(traffic.broken);
    assert_true(traffic.chunks >= 200 && traffic.batches >= 200);
    assert_false(gate_enter_copy(traffic.gate));
    assert_false(gate_enter_apply(traffic.gate));
    gate_free(traffic.gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_copied_once_by_many_workers),
        cmocka_unit_test(no_chunk_is_larger_than_the_server_should_have),
        cmocka_unit_test(lost_connections_neither_lose_nor_double_a_chunk),
        cmocka_unit_test(chunks_that_do_not_end_are_interrupted_when_it_stops),
        cmocka_unit_test(a_copy_stopped_again_and_again_goes_on_with_what_is_missing),
        cmocka_unit_test(holes_that_a_crash_left_are_filled_and_nothing_else),
        cmocka_unit_test(the_size_of_chunks_follows_the_time_they_take),
        cmocka_unit_test(a_chunk_that_fails_for_good_ends_the_copy_with_its_reason),
        cmocka_unit_test(a_chunk_that_fails_for_too_long_ends_the_copy),
        cmocka_unit_test(changes_have_their_turn_while_a_chunk_is_tried_again),
        cmocka_unit_test(chunks_and_batches_never_run_at_once_and_neither_starves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
