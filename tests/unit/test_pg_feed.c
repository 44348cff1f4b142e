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

static void set_up_tables(struct world *w, size_t ntables)
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
    feed_init(&w->feed, w->spool, ntables, &start, NULL, NULL);
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

static enum sc_result describe(struct world *w);
static void assert_spool(struct world *w, const char *expected);

/* One table, which the consumer knows. */
static void set_up(struct world *w)
{
    set_up_tables(w, 1);
    assert_int_equal(describe(w), SC_OK);
    assert_spool(w, "R");
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

/* --- several tables --- */

/* A table is called "a", "b" or "c", and has as many columns as its letter says, so that a row behind a wrong RELATION
 * shows. Rows are called after their table: "b2". */
enum { TABLES = 3 };

static enum sc_result describe_table(struct world *w, size_t table)
{
    const char name[] = {(char)('a' + table), 0};
    struct relation_column columns[TABLES] = {{.name = "x"}, {.name = "y"}, {.name = "z"}};
    struct pgoutput_message m = message(CHANGE_RELATION, 0);
    m.table = table;
    m.change.relation = (struct relation){.id = (uint32_t)table,
                                          .schema = "s",
                                          .name = name,
                                          .identity = 'd',
                                          .ncolumns = (uint16_t)(table + 1),
                                          .columns = columns};
    return feed_take(&w->feed, &m, NULL);
}

static enum sc_result insert_into(struct world *w, const char *text)
{
    size_t table = (size_t)(text[0] - 'a');
    struct value row[TABLES];
    for (int i = 0; i < TABLES; i++)
        row[i] = (struct value){.state = VALUE_PRESENT, .len = (uint32_t)strlen(text), .data = text};
    struct pgoutput_message m = message(CHANGE_INSERT, 0);
    m.table = table;
    m.change.ncolumns = (uint16_t)(table + 1);
    m.change.new_row = row;
    return feed_take(&w->feed, &m, NULL);
}

/* TRUNCATE of the tables that `names` has: "ab". */
static enum sc_result truncate_tables(struct world *w, const char *names)
{
    size_t tables[TABLES];
    struct pgoutput_message m = message(CHANGE_TRUNCATE, 0);
    m.truncated = tables;
    for (const char *name = names; *name; name++)
        tables[m.ntruncated++] = (size_t)(*name - 'a');
    return feed_take(&w->feed, &m, NULL);
}

/* What one session sends: the transaction from its beginning, `count` steps of it. A step is a row ("b2"), a TRUNCATE
 * ("Tab"), a marker ("M"), a new description ("Rb"), or of no table of ours ("-"). The server describes a table before
 * the first change of it in a session, and where the step says so. */
static void send(struct world *w, const char *const *steps, int count)
{
    bool described[TABLES] = {0};
    ok(begin(w, 200, 7));
    for (int i = 0; i < count; i++) {
        const char *step = steps[i];
        for (const char *c = step; *c; c++) {
            if (*c < 'a' || *c >= 'a' + TABLES || (described[*c - 'a'] && step[0] != 'R'))
                continue;
            described[*c - 'a'] = true;
            ok(describe_table(w, (size_t)(*c - 'a')));
        }
        if (step[0] == 'T')
            ok(truncate_tables(w, step + 1));
        else if (step[0] == 'M')
            ok(marker(w, 150, true, "m"));
        else if (step[0] != 'R' && step[0] != '-')
            ok(insert_into(w, step));
    }
}

/* Everything in the spool as a consumer understands it: rows and TRUNCATEs are of the table of the last RELATION. The
 * number of RELATIONs is added to *relations (may be NULL). */
static void assert_understood(struct world *w, const char *expected, size_t *relations)
{
    struct arena arena = {0};
    struct buf b = {0};
    const void *record;
    size_t len;
    char table = 0;
    uint16_t ncolumns = 0;
    while (spool_take(w->spool, &record, &len, 0, NULL) == SC_OK) {
        struct change c;
        ok(change_decode(&arena, record, len, &c, NULL));
        if (c.kind == CHANGE_RELATION) {
            table = c.relation.name[0];
            ncolumns = c.relation.ncolumns;
            *(relations ? relations : &(size_t){0}) += 1;
            continue;
        }
        buf_str(&b, b.len ? " " : "");
        if (c.kind == CHANGE_BEGIN || c.kind == CHANGE_COMMIT)
            buf_char(&b, c.kind == CHANGE_BEGIN ? '[' : ']');
        else if (c.kind == CHANGE_MARKER)
            buf_str(&b, "M");
        else if (c.kind == CHANGE_TRUNCATE)
            buf_printf(&b, "T%c", table);
        else if (c.ncolumns != ncolumns || c.new_row[0].data[0] != table)
            fail_msg("row %s of %u columns came behind the RELATION of %c", c.new_row[0].data, c.ncolumns, table);
        else
            buf_str(&b, c.new_row[0].data);
    }
    assert_string_equal(buf_cstr(&b), expected);
    buf_fini(&b);
    arena_fini(&arena);
}

static int count_steps(const char *const *steps)
{
    int count = 0;
    while (steps[count])
        count++;
    return count;
}

/* Cut off at every place, and while it comes again at every place once more. */
static void assert_understood_however_cut(const char *const *steps, const char *expected)
{
    int count = count_steps(steps);
    for (int first = 0; first <= count; first++)
        for (int second = -1; second <= count; second++) {
            struct world w;
            set_up_tables(&w, TABLES);
            send(&w, steps, first);
            feed_lost(&w.feed);
            if (second >= 0) {
                send(&w, steps, second);
                feed_lost(&w.feed);
            }
            send(&w, steps, count);
            ok(commit(&w, 210));
            assert_understood(&w, expected, NULL);
            tear_down(&w);
        }
}

static void rows_of_several_tables_by_turns_are_told_apart_wherever_they_are_cut(void **state)
{
    (void)state;
    assert_understood_however_cut((const char *const[]){"a1", "b1", "a2", "b2", "a3", NULL}, "[ a1 b1 a2 b2 a3 ]");
    assert_understood_however_cut((const char *const[]){"a1", "a2", "b1", "c1", "c2", "a3", "b2", "c3", "c4", NULL},
                                  "[ a1 a2 b1 c1 c2 a3 b2 c3 c4 ]");
    assert_understood_however_cut((const char *const[]){"-", "a1", "-", "b1", "-", "-", "a2", "-", NULL},
                                  "[ a1 b1 a2 ]");
    assert_understood_however_cut((const char *const[]){"a1", "M", "b1", "M", "b2", "a2", "M", NULL},
                                  "[ a1 M b1 M b2 a2 M ]");
}

static void a_description_that_comes_alone_does_not_lead_rows_astray(void **state)
{
    (void)state;
    assert_understood_however_cut((const char *const[]){"a1", "Rb", "a2", "Rc", "Rb", "b1", "Ra", "b2", "a3", NULL},
                                  "[ a1 a2 b1 b2 a3 ]");
}

static void a_truncate_of_several_tables_is_one_of_each(void **state)
{
    (void)state;
    assert_understood_however_cut((const char *const[]){"Tab", NULL}, "[ Ta Tb ]");
    assert_understood_however_cut((const char *const[]){"a1", "Tcab", "b1", "Ta", "c1", "Tb", NULL},
                                  "[ a1 Tc Ta Tb b1 Ta c1 Tb ]");
}

static void a_relation_is_put_only_where_the_table_is_another_one(void **state)
{
    (void)state;
    struct world w;
    set_up_tables(&w, TABLES);
    size_t relations = 0;
    send(&w, (const char *const[]){"a1", "a2", "M", "a3", "b1", "b2", "a4", "a5"}, 8);
    ok(commit(&w, 210));
    assert_understood(&w, "[ a1 a2 M a3 b1 b2 a4 a5 ]", &relations);
    assert_int_equal(relations, 3); /* a, b as the server sent them, a again */
    /* The next transaction goes on where this one was, and markers change nothing. */
    ok(marker(&w, 250, false, "m"));
    ok(begin(&w, 300, 8));
    ok(insert_into(&w, "a6"));
    ok(commit(&w, 310));
    relations = 0;
    const void *record;
    size_t len;
    for (int i = 0; i < 4; i++) { /* the marker, BEGIN, the row, COMMIT: nothing else */
        ok(spool_take(w.spool, &record, &len, 0, NULL));
        assert_int_not_equal(*(const uint8_t *)record, CHANGE_RELATION);
    }
    assert_int_equal(spool_take(w.spool, &record, &len, 0, NULL), SC_RETRY);
    tear_down(&w);
}

static void one_table_is_told_as_often_as_the_server_tells_it(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    for (int i = 0; i < 3; i++) {
        ok(begin(&w, 200, 7));
        ok(describe(&w));
        ok(insert(&w, "a"));
        if (i < 2)
            feed_lost(&w.feed);
    }
    ok(truncate_tables(&w, "a"));
    ok(insert(&w, "b"));
    ok(commit(&w, 210));
    assert_spool(&w, "R B200 a R R ? b C210");
    tear_down(&w);
}

static void a_row_of_a_table_that_was_never_described_is_refused(void **state)
{
    (void)state;
    struct world w;
    set_up_tables(&w, TABLES);
    ok(begin(&w, 200, 7));
    ok(describe_table(&w, 0));
    assert_int_equal(insert_into(&w, "b1"), SC_FAIL);
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
        cmocka_unit_test(rows_of_several_tables_by_turns_are_told_apart_wherever_they_are_cut),
        cmocka_unit_test(a_description_that_comes_alone_does_not_lead_rows_astray),
        cmocka_unit_test(a_truncate_of_several_tables_is_one_of_each),
        cmocka_unit_test(a_relation_is_put_only_where_the_table_is_another_one),
        cmocka_unit_test(one_table_is_told_as_often_as_the_server_tells_it),
        cmocka_unit_test(a_row_of_a_table_that_was_never_described_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
