/* What the reader puts into the spool, and that a lost connection neither loses nor doubles a change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cdc/postgres/feed.h"

struct world {
    char directory[64];
    struct spool *spool;
    struct feed feed;
};

static void set_up(struct world *w)
{
    snprintf(w->directory, sizeof(w->directory), "/tmp/test_pg_feed.XXXXXX");
    assert_non_null(mkdtemp(w->directory));
    const struct spool_config config = {.directory = w->directory,
                                        .memory_bytes = 1 << 20,
                                        .block_bytes = 1 << 16,
                                        .segment_bytes = 1 << 20,
                                        .record_bytes = 1 << 16};
    assert_int_equal(spool_open(&config, &w->spool, NULL), SC_OK);
    const struct position start = {.order = 100, .text = "0/64"};
    feed_init(&w->feed, w->spool, &start, NULL, NULL);
}

static void tear_down(struct world *w)
{
    feed_fini(&w->feed);
    spool_close(w->spool);
    char lock[128];
    snprintf(lock, sizeof(lock), "%s/seachange.lock", w->directory);
    unlink(lock);
    rmdir(w->directory);
}

static struct pgoutput_message message(enum change_kind kind, uint64_t order)
{
    return (struct pgoutput_message){.ours = true, .change = {.kind = kind, .position = {.order = order}}};
}

static enum sc_result begin(struct world *w, uint64_t commit_at, uint32_t xid)
{
    struct pgoutput_message m = message(CHANGE_BEGIN, commit_at);
    m.change.xid = xid;
    return feed_take(&w->feed, &m, NULL);
}

static enum sc_result commit(struct world *w, uint64_t end)
{
    struct pgoutput_message m = message(CHANGE_COMMIT, end);
    return feed_take(&w->feed, &m, NULL);
}

static enum sc_result insert(struct world *w, const char *text)
{
    struct value value = {.state = VALUE_PRESENT, .len = (uint32_t)strlen(text), .data = text};
    struct pgoutput_message m = message(CHANGE_INSERT, 0);
    m.change.ncolumns = 1;
    m.change.new_row = &value;
    return feed_take(&w->feed, &m, NULL);
}

static enum sc_result describe(struct world *w)
{
    struct relation_column column = {.name = "c"};
    struct pgoutput_message m = message(CHANGE_RELATION, 0);
    m.change.relation =
        (struct relation){.id = 1, .schema = "s", .name = "t", .identity = 'd', .ncolumns = 1, .columns = &column};
    return feed_take(&w->feed, &m, NULL);
}

static enum sc_result marker(struct world *w, uint64_t at, bool transactional, const char *text)
{
    struct pgoutput_message m = message(CHANGE_MARKER, at);
    m.transactional = transactional;
    m.change.marker = text;
    return feed_take(&w->feed, &m, NULL);
}

static void ok(enum sc_result result)
{
    assert_int_equal(result, SC_OK);
}

/* Everything in the spool, in short: B(commit) row R M:text C(end). */
static void assert_spool(struct world *w, const char *expected)
{
    struct arena arena = {0};
    struct buf b = {0};
    const void *record;
    size_t len;
    while (spool_take(w->spool, &record, &len, 0, NULL) == SC_OK) {
        struct change c;
        ok(change_decode(&arena, record, len, &c, NULL));
        if (b.len)
            buf_char(&b, ' ');
        if (c.kind == CHANGE_BEGIN)
            buf_printf(&b, "B%llu", (unsigned long long)c.position.order);
        else if (c.kind == CHANGE_COMMIT)
            buf_printf(&b, "C%llu", (unsigned long long)c.position.order);
        else if (c.kind == CHANGE_INSERT)
            buf_str(&b, c.new_row[0].data);
        else if (c.kind == CHANGE_MARKER)
            buf_printf(&b, "M:%s", c.marker);
        else
            buf_str(&b, c.kind == CHANGE_RELATION ? "R" : "?");
    }
    assert_string_equal(buf_cstr(&b), expected);
    buf_fini(&b);
    arena_fini(&arena);
}

static void transactions_are_put_whole_and_in_order(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    ok(begin(&w, 200, 7));
    ok(describe(&w));
    ok(insert(&w, "a"));
    ok(insert(&w, "b"));
    assert_int_equal(w.feed.received.order, 100);
    ok(commit(&w, 210));
    assert_int_equal(w.feed.received.order, 210);
    assert_int_equal(w.feed.put_end, 210);
    ok(begin(&w, 300, 6));
    ok(insert(&w, "c"));
    ok(commit(&w, 310));
    assert_spool(&w, "R B200 a b C210 B300 c C310");
    assert_int_equal(w.feed.transactions, 2);
    assert_int_equal(w.feed.changes, 3);
    tear_down(&w);
}

static void a_transaction_with_nothing_of_ours_is_not_put_but_counts_as_received(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    ok(begin(&w, 200, 7));
    ok(commit(&w, 210));
    assert_int_equal(w.feed.received.order, 210);
    assert_int_equal(w.feed.put_end, 100);
    assert_spool(&w, "");
    tear_down(&w);
}

static void messages_stand_where_they_were_written(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    ok(marker(&w, 150, false, "first"));
    ok(begin(&w, 200, 7));
    ok(marker(&w, 160, true, "within"));
    ok(commit(&w, 210));
    ok(marker(&w, 250, false, "last"));
    assert_spool(&w, "M:first B200 M:within C210 M:last");
    tear_down(&w);
}

static void a_transaction_cut_off_goes_on_where_it_was(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    ok(begin(&w, 200, 7));
    ok(describe(&w));
    ok(insert(&w, "a"));
    ok(insert(&w, "b"));
    feed_lost(&w.feed);
    assert_int_equal(w.feed.received.order, 100);
    ok(begin(&w, 200, 7));
    ok(describe(&w));
    ok(insert(&w, "a"));
    ok(insert(&w, "b"));
    ok(insert(&w, "c"));
    ok(commit(&w, 210));
    assert_spool(&w, "R B200 a b R c C210");
    assert_int_equal(w.feed.changes, 3);
    tear_down(&w);
}

static void a_transaction_cut_off_again_and_again_is_put_once(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    const char *const rows[] = {"a", "b", "c", "d"};
    const int sent[] = {2, 1, 0, 3, 4, 4};
    for (int i = 0; i < 6; i++) {
        ok(begin(&w, 200, 7));
        for (int k = 0; k < sent[i]; k++)
            ok(insert(&w, rows[k]));
        if (i < 5)
            feed_lost(&w.feed);
    }
    feed_lost(&w.feed); /* behind the last row, before the commit */
    feed_lost(&w.feed); /* before anything came */
    ok(begin(&w, 150, 5));
    ok(commit(&w, 160)); /* empty ones in front of it are sent by older servers */
    ok(begin(&w, 200, 7));
    for (int k = 0; k < 4; k++)
        ok(insert(&w, rows[k]));
    ok(commit(&w, 210));
    assert_spool(&w, "B200 a b c d C210");
    tear_down(&w);
}

static void a_transaction_cut_off_before_its_first_change_is_not_remembered(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    ok(begin(&w, 200, 7));
    feed_lost(&w.feed);
    ok(begin(&w, 200, 7));
    ok(insert(&w, "a"));
    ok(commit(&w, 210));
    assert_spool(&w, "B200 a C210");
    tear_down(&w);
}

static void messages_sent_again_are_put_once(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    ok(marker(&w, 150, false, "first"));
    ok(begin(&w, 200, 7));
    ok(insert(&w, "a"));
    feed_lost(&w.feed);
    ok(marker(&w, 150, false, "first"));
    ok(begin(&w, 200, 7));
    ok(insert(&w, "a"));
    ok(commit(&w, 210));
    ok(marker(&w, 250, false, "last"));
    feed_lost(&w.feed);
    ok(marker(&w, 250, false, "last"));
    assert_spool(&w, "M:first B200 a C210 M:last");
    tear_down(&w);
}

static void markers_within_count_as_changes_of_their_transaction(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    ok(begin(&w, 200, 7));
    ok(insert(&w, "a"));
    ok(marker(&w, 150, true, "within"));
    feed_lost(&w.feed);
    ok(begin(&w, 200, 7));
    ok(insert(&w, "a"));
    ok(marker(&w, 150, true, "within"));
    ok(insert(&w, "b"));
    ok(commit(&w, 210));
    assert_spool(&w, "B200 a M:within b C210");
    tear_down(&w);
}

static void cut_off(struct world *w)
{
    set_up(w);
    ok(begin(w, 200, 7));
    ok(insert(w, "a"));
    ok(insert(w, "b"));
    feed_lost(&w->feed);
}

static void a_log_that_comes_back_differently_is_refused(void **state)
{
    (void)state;
    struct world w;
    cut_off(&w); /* a later one comes in its place */
    assert_int_equal(begin(&w, 300, 8), SC_FAIL);
    tear_down(&w);
    cut_off(&w); /* another one at its place */
    assert_int_equal(begin(&w, 200, 8), SC_FAIL);
    tear_down(&w);
    cut_off(&w); /* an earlier one that was empty has a change now */
    ok(begin(&w, 150, 5));
    assert_int_equal(insert(&w, "x"), SC_FAIL);
    tear_down(&w);
    cut_off(&w); /* it has become shorter */
    ok(begin(&w, 200, 7));
    ok(insert(&w, "a"));
    assert_int_equal(commit(&w, 210), SC_FAIL);
    tear_down(&w);
    cut_off(&w); /* a message comes that was not there */
    assert_int_equal(marker(&w, 180, false, "new"), SC_FAIL);
    tear_down(&w);
}

static void changes_outside_a_transaction_are_refused(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    assert_int_equal(insert(&w, "a"), SC_FAIL);
    assert_int_equal(commit(&w, 210), SC_FAIL);
    ok(begin(&w, 200, 7));
    assert_int_equal(begin(&w, 300, 8), SC_FAIL);
    assert_int_equal(marker(&w, 150, false, "x"), SC_FAIL);
    tear_down(&w);
}

static void an_idle_table_moves_on_by_an_empty_transaction(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    ok(feed_advance(&w.feed, 5000, NULL));
    assert_int_equal(w.feed.received.order, 5000);
    assert_int_equal(w.feed.put_end, 5000);
    assert_string_equal(w.feed.received.text, "0/1388");
    ok(begin(&w, 5000, 9)); /* a commit record may begin exactly where the log was confirmed */
    ok(insert(&w, "a"));
    ok(commit(&w, 5010));
    assert_spool(&w, "B5000 C5000 B5000 a C5010");
    tear_down(&w);
}

static void a_stopped_spool_ends_the_feed(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    spool_stop(w.spool);
    ok(begin(&w, 200, 7));
    assert_int_equal(insert(&w, "a"), SC_STOP);
    tear_down(&w);
}

static void reading_ends_behind_the_last_marker(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    w.feed.end_marker = "last";
    ok(marker(&w, 100, false, "lasting"));
    assert_int_equal(marker(&w, 200, false, "last"), SC_STOP);
    assert_spool(&w, "M:lasting M:last");
    tear_down(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transactions_are_put_whole_and_in_order),
        cmocka_unit_test(a_transaction_with_nothing_of_ours_is_not_put_but_counts_as_received),
        cmocka_unit_test(messages_stand_where_they_were_written),
        cmocka_unit_test(reading_ends_behind_the_last_marker),
        cmocka_unit_test(a_transaction_cut_off_goes_on_where_it_was),
        cmocka_unit_test(a_transaction_cut_off_again_and_again_is_put_once),
        cmocka_unit_test(a_transaction_cut_off_before_its_first_change_is_not_remembered),
        cmocka_unit_test(messages_sent_again_are_put_once),
        cmocka_unit_test(markers_within_count_as_changes_of_their_transaction),
        cmocka_unit_test(a_log_that_comes_back_differently_is_refused),
        cmocka_unit_test(changes_outside_a_transaction_are_refused),
        cmocka_unit_test(an_idle_table_moves_on_by_an_empty_transaction),
        cmocka_unit_test(a_stopped_spool_ends_the_feed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
