/* How records of the spool become a batch: where it ends, and that it ends in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "applier/gather.h"
#include "base/clock.h"

#define MS 1000

static const uint16_t key_columns[] = {0};

static uint64_t repairs(struct target *target)
{
    (void)target;
    return 0;
}
static const struct target_ops ops = {.repairs = repairs};

/* An apply without its thread: the test gathers itself. */
struct world {
    struct apply a;
    char directory[64];
    struct sc_error err;
};

static int setup(void **state)
{
    struct world *w = mem_alloc(sizeof(*w));
    snprintf(w->directory, sizeof(w->directory), "/tmp/seachange-test-XXXXXX");
    assert_non_null(mkdtemp(w->directory));
    struct spool_config config = {.directory = w->directory,
                                  .memory_bytes = 1 << 20,
                                  .block_bytes = 32 << 10,
                                  .segment_bytes = 256 << 10,
                                  .record_bytes = 1 << 20};
    assert_int_equal(spool_open(&config, &w->a.config.spool, &w->err), SC_OK);
    w->a.config.ops = &ops;
    w->a.shape = (struct row_shape){.ncolumns = 1, .key = key_columns, .nkey = 1, .folds = true};
    w->a.fold = fold_new(key_columns, 1, 1);
    pthread_mutex_init(&w->a.lock, NULL);
    w->a.copy_ended = true;
    gather_clear(&w->a);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    spool_close(w->a.config.spool);
    fold_free(w->a.fold);
    buf_fini(&w->a.held);
    buf_fini(&w->a.record);
    arena_fini(&w->a.arena);
    arena_fini(&w->a.decoded);
    mem_free(w->a.changes);
    mem_free(w->a.xids);
    pthread_mutex_destroy(&w->a.lock);
    rmdir(w->directory);
    mem_free(w);
    return 0;
}

static void put(struct world *w, const struct change *change)
{
    struct buf record = {0};
    change_encode(&record, change);
    assert_int_equal(spool_put(w->a.config.spool, record.data, record.len, NULL, NULL, &w->err), SC_OK);
    buf_fini(&record);
}

static void begin(struct world *w, uint64_t at)
{
    put(w, &(struct change){.kind = CHANGE_BEGIN, .xid = at, .position = {.order = at}});
}
static void commit(struct world *w, uint64_t behind)
{
    put(w, &(struct change){.kind = CHANGE_COMMIT, .position = {.order = behind}});
}
static void insert(struct world *w, int key)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%d", key);
    struct value value = {.state = VALUE_PRESENT, .len = (uint32_t)len, .data = text};
    put(w, &(struct change){.kind = CHANGE_INSERT, .ncolumns = 1, .new_row = &value});
}
static void marker(struct world *w, const char *text, uint64_t behind)
{
    put(w, &(struct change){.kind = CHANGE_MARKER, .marker = text, .position = {.order = behind}});
}

static enum sc_result gather_within(struct world *w, int until_ms, int rest_ms)
{
    int64_t now = clock_us();
    return gather(&w->a, now + until_ms * MS, now + rest_ms * MS, true, &w->err);
}

/* The rest of the transaction that put(10) began. */
static void *rest(void *arg)
{
    struct world *w = arg;
    clock_sleep_ms(150);
    insert(w, 2);
    commit(w, 20);
    return NULL;
}

static void a_batch_ends_behind_a_transaction_though_its_rest_comes_late(void **state)
{
    struct world *w = *state;
    begin(w, 10);
    insert(w, 1);
    pthread_t late;
    assert_int_equal(pthread_create(&late, NULL, rest, w), 0);
    assert_int_equal(gather_within(w, 0, 10000), SC_OK);
    pthread_join(late, NULL);
    assert_int_equal(w->a.count, 2);
    assert_int_equal(w->a.applied.order, 20);
    assert_int_equal(w->a.partial.order, 0);
}

static void a_transaction_is_cut_when_its_rest_does_not_come_in_time(void **state)
{
    struct world *w = *state;
    begin(w, 10);
    insert(w, 1);
    int64_t began = clock_us();
    assert_int_equal(gather_within(w, 0, 200), SC_OK);
    int64_t took = clock_us() - began;
    assert_true(took >= 150 * MS);
    assert_true(took < 2000 * MS);
    assert_int_equal(w->a.count, 1);
    assert_int_equal(w->a.applied.order, 0);
    assert_int_equal(w->a.partial.order, 10);
    assert_int_equal(w->a.partial_changes, 1);
}

static void what_is_there_comes_in_one_batch(void **state)
{
    struct world *w = *state;
    for (uint64_t i = 1; i <= 3; i++) {
        begin(w, 10 * i);
        insert(w, (int)i);
        commit(w, 10 * i + 10);
    }
    int64_t now = clock_us();
    assert_int_equal(gather(&w->a, 0, now + 5000 * MS, true, &w->err), SC_OK);
    assert_int_equal(w->a.count, 3);
    gather_clear(&w->a);
    w->a.stored = w->a.applied;
    assert_int_equal(gather(&w->a, 0, now + 5000 * MS, true, &w->err), SC_RETRY);
    assert_true(clock_us() - now < 2000 * MS);
}

static void nothing_to_gather_is_said_in_time(void **state)
{
    struct world *w = *state;
    int64_t began = clock_us();
    assert_int_equal(gather_within(w, 100, 5000), SC_RETRY);
    assert_true(clock_us() - began < 2000 * MS);
}

static void what_the_checkpoint_holds_is_left_out(void **state)
{
    struct world *w = *state;
    w->a.applied = w->a.stored = (struct position){.order = 20};
    w->a.partial = (struct position){.order = 20};
    w->a.partial_changes = 1;
    begin(w, 10); /* in */
    insert(w, 1);
    commit(w, 20);
    begin(w, 20); /* in up to its first change */
    insert(w, 2);
    insert(w, 3);
    commit(w, 30);
    assert_int_equal(gather_within(w, 100, 1000), SC_OK);
    assert_int_equal(w->a.count, 1);
    assert_int_equal(fold_keys(w->a.fold), 1);
    size_t rows = 0;
    const struct folded_row *const *row = fold_rows(w->a.fold, ROW_INSERT, &rows);
    assert_int_equal(rows, 1);
    assert_string_equal(row[0]->key[0].data, "3");
    assert_int_equal(w->a.applied.order, 30);
}

static void a_marker_that_is_awaited_ends_the_batch(void **state)
{
    struct world *w = *state;
    snprintf(w->a.markers[0].text, sizeof(w->a.markers[0].text), "here");
    begin(w, 10);
    insert(w, 1);
    commit(w, 20);
    marker(w, "elsewhere", 25);
    marker(w, "here", 30);
    begin(w, 40);
    insert(w, 2);
    commit(w, 50);
    assert_int_equal(gather_within(w, 100, 1000), SC_OK);
    assert_string_equal(w->a.marker, "here");
    assert_int_equal(w->a.marker_at.order, 30);
    assert_int_equal(w->a.count, 1);
}

/* What stands before the fence may meet rows that are ahead of it, what stands behind may not: never both in one. */
static void the_fence_parts_batches(void **state)
{
    struct world *w = *state;
    w->a.fence = (struct position){.order = 30};
    begin(w, 10);
    insert(w, 1);
    commit(w, 20);
    begin(w, 30);
    insert(w, 2);
    commit(w, 40);
    assert_int_equal(gather_within(w, 100, 1000), SC_OK);
    assert_int_equal(w->a.count, 1);
    assert_false(w->a.batch_strict);
    gather_clear(&w->a);
    assert_int_equal(gather_within(w, 100, 1000), SC_OK);
    assert_int_equal(w->a.count, 1);
    assert_true(w->a.batch_strict);
}

static void a_row_outside_of_a_transaction_is_a_failure(void **state)
{
    struct world *w = *state;
    insert(w, 1);
    assert_int_equal(gather_within(w, 100, 1000), SC_FAIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_batch_ends_behind_a_transaction_though_its_rest_comes_late, setup, teardown),
        cmocka_unit_test_setup_teardown(a_transaction_is_cut_when_its_rest_does_not_come_in_time, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_there_comes_in_one_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_to_gather_is_said_in_time, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_checkpoint_holds_is_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_marker_that_is_awaited_ends_the_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(the_fence_parts_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_outside_of_a_transaction_is_a_failure, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
