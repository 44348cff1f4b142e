/* Verification's driver against tables that are kept in memory: what differs is found, and what only lags passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "applier/verify.h"
#include "base/mem.h"

enum { ROWS = 20000, WORKERS = 3, CHUNKS_MOST = 4000 };

/* Keys are the numbers 1 to ROWS as text; a value of 0: no such row. */
struct target {
    pthread_mutex_t lock;
    int source[ROWS + 1], ghost[ROWS + 1];
    int compared[ROWS + 1]; /* how often, in chunks */
    struct chunk recorded[CHUNKS_MOST];
    size_t nrecorded;
    struct chunk copied[CHUNKS_MOST]; /* what the copy has left */
    size_t ncopied;
    int asked; /* for bounds */
    unsigned seed;
    int lose;      /* one call in so many loses its connection */
    int lose_rows; /* so many calls for a chunk's rows do */
    bool unordered;
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
    (void)role, (void)err;
    *out = mem_alloc(sizeof(**out));
    (*out)->target = t;
    return SC_OK;
}

static void session_close(struct session *s)
{
    mem_free(s);
}

static void interrupt_all(struct target *t)
{
    (void)t;
}

/* Under the lock. */
static bool lost(struct target *t, struct sc_error *err)
{
    t->seed = t->seed * 1103515245u + 12345u;
    if (t->lose == 0 || t->seed / 65536 % (unsigned)t->lose != 0)
        return false;
    error_set(err, SC_RETRY, "the connection is lost");
    return true;
}

static enum sc_result chunk_bound(struct session *s, const struct key *after, uint64_t rows, struct key **upto,
                                  struct sc_error *err)
{
    (void)err;
    s->target->asked++; /* one at a time */
    uint64_t n = (uint64_t)number(after, 0) + rows;
    *upto = n <= ROWS ? key_of((int)n) : NULL;
    return SC_OK;
}

static enum sc_result chunk_rows_most(struct session *s, int workers, uint64_t *rows, struct sc_error *err)
{
    (void)s, (void)workers, (void)err;
    *rows = 5000;
    return SC_OK;
}

static enum sc_result compare_ordered(struct session *s, bool *ordered, struct sc_error *err)
{
    (void)err;
    *ordered = !s->target->unordered;
    return SC_OK;
}

static enum sc_result compare_chunk(struct session *s, const struct chunk *chunk, struct compared *out,
                                    struct sc_error *err)
{
    struct target *t = s->target;
    *out = (struct compared){.same = true};
    pthread_mutex_lock(&t->lock);
    bool fails = lost(t, err);
    for (int i = number(chunk->after, 0) + 1; i <= number(chunk->upto, ROWS) && !fails; i++) {
        bool differs = t->source[i] != t->ghost[i];
        out->rows += t->source[i] != 0;
        out->same &= !differs;
        out->missing += differs && t->ghost[i] == 0;
        out->extra += differs && t->source[i] == 0;
        out->differ += differs && t->ghost[i] != 0 && t->source[i] != 0;
        t->compared[i]++;
    }
    pthread_mutex_unlock(&t->lock);
    return fails ? SC_RETRY : SC_OK;
}

static enum sc_result compare_rows(struct session *s, const struct chunk *chunk, size_t most, struct key ***keys,
                                   size_t *count, struct sc_error *err)
{
    struct target *t = s->target;
    *count = 0;
    *keys = mem_array(most, sizeof(struct key *));
    pthread_mutex_lock(&t->lock);
    bool fails = lost(t, err) || (t->lose_rows > 0 && t->lose_rows-- > 0);
    for (int i = number(chunk->after, 0) + 1; i <= number(chunk->upto, ROWS) && *count < most && !fails; i++)
        if (t->source[i] != t->ghost[i])
            (*keys)[(*count)++] = key_of(i);
    pthread_mutex_unlock(&t->lock);
    if (fails) {
        mem_free(*keys);
        *keys = NULL;
    }
    return fails ? SC_RETRY : SC_OK;
}

static void hash(char *out, int value)
{
    if (value)
        snprintf(out, ROW_HASH_SIZE, "%d", value);
}

static enum sc_result compare_keys(struct session *s, struct key *const *keys, size_t count, struct row_pair *pairs,
                                   struct sc_error *err)
{
    struct target *t = s->target;
    memset(pairs, 0, count * sizeof(*pairs));
    pthread_mutex_lock(&t->lock);
    bool fails = lost(t, err);
    for (size_t i = 0; i < count; i++) {
        hash(pairs[i].source, t->source[number(keys[i], 0)]);
        hash(pairs[i].ghost, t->ghost[number(keys[i], 0)]);
    }
    pthread_mutex_unlock(&t->lock);
    return fails ? SC_RETRY : SC_OK;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const struct chunk *)a)->number, y = ((const struct chunk *)b)->number;
    return x < y ? -1 : x > y;
}

static enum sc_result load(struct chunk *from, size_t n, struct chunk **chunks, size_t *count)
{
    qsort(from, n, sizeof(*from), by_number);
    *count = n;
    *chunks = mem_array(n + 1, sizeof(**chunks));
    for (size_t i = 0; i < n; i++)
        (*chunks)[i] = (struct chunk){.number = from[i].number,
                                      .after = key_copy(from[i].after),
                                      .upto = key_copy(from[i].upto),
                                      .rows = from[i].rows};
    return SC_OK;
}

static enum sc_result chunks_load(struct session *s, struct chunk **chunks, size_t *count, struct sc_error *err)
{
    (void)err;
    return load(s->target->copied, s->target->ncopied, chunks, count);
}

static enum sc_result verified_load(struct session *s, struct chunk **chunks, size_t *count, struct sc_error *err)
{
    (void)err;
    return load(s->target->recorded, s->target->nrecorded, chunks, count);
}

/* A chunk with a row in it that differs now must never be recorded while nobody writes. */
static enum sc_result verified_store(struct session *s, const struct chunk *chunk, uint64_t rows, struct sc_error *err)
{
    (void)rows;
    struct target *t = s->target;
    pthread_mutex_lock(&t->lock);
    bool fails = lost(t, err);
    for (int i = number(chunk->after, 0) + 1; i <= number(chunk->upto, ROWS); i++)
        assert_int_equal(t->source[i], t->ghost[i]);
    if (!fails)
        t->recorded[t->nrecorded++] =
            (struct chunk){.number = chunk->number, .after = key_copy(chunk->after), .upto = key_copy(chunk->upto)};
    pthread_mutex_unlock(&t->lock);
    return fails ? SC_RETRY : SC_OK;
}

static const struct target_ops ops = {.session_open = session_open,
                                      .session_close = session_close,
                                      .interrupt = interrupt_all,
                                      .chunk_bound = chunk_bound,
                                      .chunk_rows_most = chunk_rows_most,
                                      .chunks_load = chunks_load,
                                      .compare_ordered = compare_ordered,
                                      .compare_chunk = compare_chunk,
                                      .compare_rows = compare_rows,
                                      .compare_keys = compare_keys,
                                      .verified_load = verified_load,
                                      .verified_store = verified_store};

static int begin(void **state)
{
    struct target *t = mem_alloc(sizeof(*t));
    pthread_mutex_init(&t->lock, NULL);
    t->seed = 1;
    for (int i = 1; i <= ROWS; i++)
        t->source[i] = t->ghost[i] = i;
    *state = t;
    return 0;
}

static int end(void **state)
{
    struct target *t = *state;
    for (size_t i = 0; i < t->nrecorded; i++) {
        key_free(t->recorded[i].after);
        key_free(t->recorded[i].upto);
    }
    for (size_t i = 0; i < t->ncopied; i++) {
        key_free(t->copied[i].after);
        key_free(t->copied[i].upto);
    }
    pthread_mutex_destroy(&t->lock);
    mem_free(t);
    return 0;
}

/* Walks over everything. looks 0: for a migration. */
static struct verify *walked_with(struct target *t, int looks)
{
    struct verify_config config = {.ops = &ops,
                                   .target = t,
                                   .workers = WORKERS,
                                   .chunk_time_ms = 10,
                                   .give_up_ms = 10000,
                                   .recorded = looks == 0,
                                   .looks = looks};
    struct verify *v = NULL;
    struct sc_error err = {.result = SC_RETRY};
    bool running = true;
    while (err.result == SC_RETRY) {
        error_init(&err);
        verify_start(&config, &v, &err);
    }
    assert_non_null(v);
    while (running)
        assert_int_equal(verify_wait(v, 1000, &running, &err), SC_OK);
    return v;
}

static struct verify *walked(struct target *t)
{
    return walked_with(t, 0);
}

static enum sc_result again(struct target *t, struct verify *v)
{
    struct session s = {.target = t};
    struct sc_error err;
    return verify_again(v, &s, &err);
}

static bool covers_everything(struct target *t)
{
    qsort(t->recorded, t->nrecorded, sizeof(t->recorded[0]), by_number);
    const struct key *at = NULL;
    for (size_t i = 0; i < t->nrecorded; i++) {
        if (!key_same(t->recorded[i].after, at))
            return false;
        at = t->recorded[i].upto;
    }
    return t->nrecorded > 0 && !at;
}

static void every_row_is_compared_once_and_what_is_the_same_passes(void **state)
{
    struct target *t = *state;
    struct verify *v = walked(t);
    struct verify_stats stats;
    verify_stats(v, &stats);
    assert_true(stats.walked);
    assert_int_equal(stats.rows, ROWS);
    assert_int_equal(stats.suspects, 0);
    for (int i = 1; i <= ROWS; i++)
        assert_int_equal(t->compared[i], 1);
    assert_true(covers_everything(t));
    verify_stop(v);
}

static void a_row_that_lags_passes_once_it_was_seen_the_same(void **state)
{
    struct target *t = *state;
    struct verify_stats stats;
    t->ghost[7] = 6;
    t->ghost[ROWS] = 0;
    struct verify *v = walked(t);
    verify_stats(v, &stats);
    assert_int_equal(stats.suspects, 2);
    assert_false(covers_everything(t));
    t->source[7] = 8; /* changed once more, and what was changed before is applied */
    t->ghost[7] = 7;
    t->ghost[ROWS] = ROWS;
    assert_int_equal(again(t, v), SC_OK);
    verify_stats(v, &stats);
    assert_int_equal(stats.suspects, 1);
    assert_int_equal(stats.again, 1);
    t->ghost[7] = 8;
    assert_int_equal(again(t, v), SC_OK);
    verify_stats(v, &stats);
    assert_int_equal(stats.suspects, 0);
    assert_true(covers_everything(t));
    verify_stop(v);
}

static void what_is_left_is_decided_under_the_lock(void **state)
{
    struct target *t = *state;
    struct session s = {.target = t};
    struct sc_error err;
    t->ghost[7] = 6;
    t->ghost[9] = 0;
    t->source[11] = 0;
    struct verify *v = walked(t);
    verify_end_walk(v);
    for (int i = 0; i <= VERIFY_STEADY; i++)
        assert_int_equal(again(t, v), SC_OK);
    struct verify_stats stats;
    verify_stats(v, &stats);
    assert_int_equal(stats.steady, 3);
    assert_int_equal(verify_under_lock(v, &s, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "(7) differs"));
    assert_non_null(strstr(err.what, "(9) is missing"));
    assert_non_null(strstr(err.what, "(11) should not be there"));
    t->ghost[7] = 7;
    t->ghost[9] = 9;
    assert_int_equal(verify_under_lock(v, &s, &err), SC_FAIL);
    assert_null(strstr(err.what, "(7)"));
    t->ghost[11] = 0;
    assert_int_equal(verify_under_lock(v, &s, &err), SC_OK);
    verify_stop(v);
}

/* More rows of a chunk than are kept: it is looked at again until none is left. */
static void a_chunk_in_which_all_rows_differ_is_looked_at_again(void **state)
{
    struct target *t = *state;
    t->unordered = true;
    for (int i = 1; i <= ROWS; i++)
        t->ghost[i] = i + 1;
    struct verify *v = walked(t);
    struct verify_stats stats;
    verify_stats(v, &stats);
    assert_true(stats.suspects >= 1000 && stats.suspects < ROWS);
    assert_false(stats.walked);
    for (int i = 1; i <= ROWS - 1; i++)
        t->ghost[i] = i;
    assert_int_equal(again(t, v), SC_OK);
    verify_stats(v, &stats);
    assert_true(stats.walked);
    assert_int_equal(stats.suspects, 1);
    t->ghost[ROWS] = ROWS;
    assert_int_equal(again(t, v), SC_OK);
    assert_true(covers_everything(t));
    verify_stop(v);
}

/* The connection is lost in the middle of looking at it again. */
static void a_chunk_that_could_not_be_looked_at_again_does_not_pass(void **state)
{
    struct target *t = *state;
    t->unordered = true;
    for (int i = 1; i <= ROWS; i++)
        t->ghost[i] = i + 1;
    struct verify *v = walked(t);
    for (int i = 1; i <= ROWS - 1; i++)
        t->ghost[i] = i;
    t->lose_rows = 1;
    assert_int_equal(again(t, v), SC_RETRY);
    struct verify_stats stats;
    verify_stats(v, &stats);
    assert_false(stats.walked && stats.suspects == 0);
    assert_int_equal(again(t, v), SC_OK);
    verify_stats(v, &stats);
    assert_true(stats.walked);
    assert_int_equal(stats.suspects, 1);
    assert_false(covers_everything(t));
    verify_stop(v);
}

/* --- with the bounds of the copy */

/* The copy has left chunks that end at these keys, and one that is open. */
static void copied_to(struct target *t, const int *ends, size_t count)
{
    const struct key *at = NULL;
    for (size_t i = 0; i <= count; i++) {
        int rows = i < count ? ends[i] - number(at, 0) : 0;
        t->copied[i] = (struct chunk){.number = i,
                                      .after = key_copy(at),
                                      .upto = i < count ? key_of(ends[i]) : NULL,
                                      .rows = rows > 0 ? (uint64_t)rows : 0};
        at = t->copied[i].upto;
    }
    t->ncopied = count + 1;
}

/* Every 50 rows. */
static void copied_evenly(struct target *t, int upto)
{
    int ends[ROWS / 50];
    size_t count = 0;
    for (int end = 50; end <= upto; end += 50)
        ends[count++] = end;
    copied_to(t, ends, count);
}

static bool is_bound_of_the_copy(struct target *t, const struct key *key)
{
    for (size_t i = 0; i < t->ncopied; i++)
        if (key_same(t->copied[i].upto, key))
            return true;
    return false;
}

static void it_cuts_where_the_copy_has_cut(void **state)
{
    struct target *t = *state;
    copied_evenly(t, ROWS - 50);
    struct verify *v = walked(t);
    for (int i = 1; i <= ROWS; i++)
        assert_int_equal(t->compared[i], 1);
    assert_true(covers_everything(t));
    for (size_t i = 0; i < t->nrecorded; i++)
        assert_true(is_bound_of_the_copy(t, t->recorded[i].upto));
    assert_true(t->nrecorded < t->ncopied / 2); /* small ones are taken together, but for the last */
    const struct chunk *last = &t->recorded[t->nrecorded - 2];
    assert_in_range(number(last->upto, 0) - number(last->after, 0), 50, 100);
    assert_int_equal(t->asked, 1); /* for the open end */
    verify_stop(v);
}

/* Nobody knows bounds among rows that came behind the copy's. */
static void what_came_behind_the_copy_is_cut_too(void **state)
{
    struct target *t = *state;
    copied_evenly(t, 100);
    struct verify *v = walked(t);
    for (int i = 1; i <= ROWS; i++)
        assert_int_equal(t->compared[i], 1);
    assert_true(covers_everything(t));
    assert_true(t->asked > 2);
    verify_stop(v);
}

/* What is recorded may end where a chunk of the copy ends, or not. */
static void goes_on_behind(struct target *t, int end)
{
    copied_evenly(t, ROWS - 50);
    t->recorded[t->nrecorded++] = (struct chunk){.upto = key_of(end)};
    verify_stop(walked(t));
    for (int i = 1; i <= ROWS; i++)
        assert_int_equal(t->compared[i], i > end);
    assert_true(covers_everything(t));
}

static void whoever_goes_on_takes_up_the_bounds_of_the_copy(void **state)
{
    struct target *t = *state;
    goes_on_behind(t, 100);
    assert_int_equal(t->asked, 1);
}

static void whoever_goes_on_between_bounds_of_the_copy_asks_for_others(void **state)
{
    struct target *t = *state;
    goes_on_behind(t, 130);
    assert_true(t->asked > 1);
}

/* Whatever the bounds are, each chunk begins where the one before ends. */
static void bounds_that_make_no_sense_leave_nothing_out(void **state)
{
    struct target *t = *state;
    copied_to(t, (const int[]){9000, 4000, 4000, 15000, 3, ROWS + 500, 12}, 7);
    t->copied[3].rows = UINT64_MAX / 2;
    key_free(t->copied[5].after);
    t->copied[5].after = key_of(77);
    t->ghost[ROWS] = 0;
    t->ghost[9000] = 0;
    struct verify *v = walked(t);
    struct verify_stats stats;
    verify_stats(v, &stats);
    assert_true(stats.suspects >= 2);
    for (int i = 1; i <= ROWS; i++)
        assert_true(t->compared[i] >= 1);
    t->ghost[ROWS] = ROWS;
    t->ghost[9000] = 9000;
    assert_int_equal(again(t, v), SC_OK);
    assert_true(covers_everything(t));
    verify_stop(v);
}

/* --- without a log that says when they have to be the same */

static void rows_that_stay_different_are_counted(void **state)
{
    struct target *t = *state;
    struct verify_stats stats;
    struct verify_row rows[VERIFY_ROWS_NAMED];
    t->ghost[7] = 6;
    t->ghost[9] = 0;
    t->source[11] = 0;
    t->ghost[13] = 12; /* lags */
    t->ghost[15] = 14; /* is another one each time */
    struct verify *v = walked_with(t, 3);
    for (int look = 1; look <= 3; look++) {
        verify_stats(v, &stats);
        assert_int_equal(stats.found[VERIFY_DIFFERS], 0);
        t->ghost[15] = 100 + look;
        assert_int_equal(again(t, v), SC_OK);
        t->ghost[13] = 13;
    }
    verify_stats(v, &stats);
    assert_int_equal(stats.found[VERIFY_DIFFERS], 1);
    assert_int_equal(stats.found[VERIFY_MISSING], 1);
    assert_int_equal(stats.found[VERIFY_EXTRA], 1);
    assert_int_equal(stats.suspects, 1);
    for (int look = 4; look <= 100 && stats.suspects > 0; look++) {
        t->ghost[15] = 100 + look;
        assert_int_equal(again(t, v), SC_OK);
        verify_stats(v, &stats);
    }
    assert_int_equal(stats.found[VERIFY_CHANGES], 1);
    assert_true(stats.walked);
    assert_int_equal(verify_rows_named(v, rows), 4);
    for (size_t i = 0; i < 4; i++) {
        const enum verify_kind kinds[] = {
            [7] = VERIFY_DIFFERS, [9] = VERIFY_MISSING, [11] = VERIFY_EXTRA, [15] = VERIFY_CHANGES};
        assert_int_equal(rows[i].kind, kinds[strtol(rows[i].key + 1, NULL, 10)]);
    }
    verify_stop(v);
}

/* More rows of a chunk than are kept: all are counted. */
static void all_rows_of_a_chunk_that_stay_different_are_counted(void **state)
{
    struct target *t = *state;
    struct verify_stats stats;
    t->unordered = true;
    for (int i = 1; i <= ROWS; i++)
        *(i % 4 == 0 ? &t->source[i] : &t->ghost[i]) = i % 4 == 1 ? i + 1 : 0;
    for (int i = 2; i <= ROWS; i += 4)
        t->ghost[i] = i;
    struct verify *v = walked_with(t, 2);
    assert_int_equal(again(t, v), SC_OK);
    verify_stats(v, &stats);
    assert_false(stats.walked);
    t->lose = 3;
    for (int looks = 0; looks < 50 && !stats.walked; looks++) {
        again(t, v);
        verify_stats(v, &stats);
    }
    assert_true(stats.walked);
    assert_int_equal(stats.suspects, 0);
    assert_int_equal(stats.found[VERIFY_DIFFERS], ROWS / 4);
    assert_int_equal(stats.found[VERIFY_MISSING], ROWS / 4);
    assert_int_equal(stats.found[VERIFY_EXTRA], ROWS / 4);
    verify_stop(v);
}

static void whoever_goes_on_compares_what_was_not_found_the_same(void **state)
{
    struct target *t = *state;
    struct session s = {.target = t};
    struct sc_error err;
    t->ghost[5000] = 1;
    for (int tries = 0; tries < 3; tries++) {
        struct verify *v = walked(t);
        assert_int_equal(verify_under_lock(v, &s, &err), SC_FAIL);
        verify_stop(v);
    }
    assert_int_equal(t->compared[5000], 3);
    assert_int_equal(t->compared[1], 1);
    t->ghost[5000] = 5000;
    verify_stop(walked(t));
    assert_true(covers_everything(t));
}

static void lost_connections_lose_nothing(void **state)
{
    struct target *t = *state;
    struct session s = {.target = t};
    struct sc_error err;
    t->lose = 4;
    for (int i = 1; i <= ROWS; i += 1000)
        t->ghost[i] = 0;
    struct verify *v = walked(t);
    struct verify_stats stats;
    verify_stats(v, &stats);
    assert_true(stats.suspects >= ROWS / 1000);
    enum sc_result result;
    while ((result = verify_under_lock(v, &s, &err)) == SC_RETRY)
        ;
    assert_int_equal(result, SC_FAIL);
    for (int i = 1; i <= ROWS; i++)
        t->ghost[i] = i;
    while ((result = again(t, v)) == SC_RETRY)
        ;
    assert_int_equal(result, SC_OK);
    assert_true(covers_everything(t));
    verify_stop(v);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_row_is_compared_once_and_what_is_the_same_passes),
        TEST(a_row_that_lags_passes_once_it_was_seen_the_same),
        TEST(what_is_left_is_decided_under_the_lock),
        TEST(a_chunk_in_which_all_rows_differ_is_looked_at_again),
        TEST(a_chunk_that_could_not_be_looked_at_again_does_not_pass),
        TEST(it_cuts_where_the_copy_has_cut),
        TEST(what_came_behind_the_copy_is_cut_too),
        TEST(whoever_goes_on_takes_up_the_bounds_of_the_copy),
        TEST(whoever_goes_on_between_bounds_of_the_copy_asks_for_others),
        TEST(bounds_that_make_no_sense_leave_nothing_out),
        TEST(rows_that_stay_different_are_counted),
        TEST(all_rows_of_a_chunk_that_stay_different_are_counted),
        TEST(whoever_goes_on_compares_what_was_not_found_the_same),
        TEST(lost_connections_lose_nothing),
    };
    return cmocka_run_group_tests_name("verification", tests, NULL, NULL);
}
