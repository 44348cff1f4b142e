/* From groups of the binary log to the spool, and what positions say. No server is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cdc/mysql/feed.h"
#include "cdc/mysql/log_end.h"
#include "cdc/mysql/position_text.h"
#include "cdc/mysql/xa.h"

/* A table is called "a", "b" or "c", and has as many columns as its letter says. */
enum { TABLES = 3 };

struct world {
    char directory[64];
    struct spool *spool;
    struct my_feed feed;
    struct arena arena;
};

static void describe(struct world *w, size_t table);
static void assert_put(struct world *w, const char *expected);

static struct position at(uint64_t offset)
{
    struct my_log_position p;
    struct position out;
    struct sc_error err;
    assert_int_equal(my_log_position_set(&p, "binlog.000001", offset, &err), SC_OK);
    my_log_position_make(&p, NULL, &out);
    return out;
}

static int begin(void **state)
{
    struct world *w = mem_alloc(sizeof(*w));
    snprintf(w->directory, sizeof(w->directory), "/tmp/seachange-feed-XXXXXX");
    assert_non_null(mkdtemp(w->directory));
    struct spool_config config = {.directory = w->directory,
                                  .memory_bytes = 1 << 20,
                                  .block_bytes = 1 << 16,
                                  .segment_bytes = 1 << 20,
                                  .record_bytes = 1 << 20};
    struct sc_error err;
    assert_int_equal(spool_open(&config, &w->spool, &err), SC_OK);
    struct position start = at(100);
    my_feed_init(&w->feed, w->spool, TABLES, &start, NULL, NULL);
    describe(w, 0);
    assert_put(w, "a:");
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    my_feed_fini(&w->feed);
    spool_close(w->spool);
    rmdir(w->directory);
    arena_fini(&w->arena);
    mem_free(w);
    return 0;
}

static void group(struct world *w, uint64_t offset)
{
    struct sc_error err;
    struct position p = at(offset);
    assert_int_equal(my_feed_begin(&w->feed, &p, 0, &err), SC_OK);
}

static void insert(struct world *w, const char *value)
{
    struct value row = {.state = VALUE_PRESENT, .len = (uint32_t)strlen(value), .data = value};
    struct change change = {.kind = CHANGE_INSERT, .ncolumns = 1, .new_row = &row};
    struct sc_error err;
    assert_int_equal(my_feed_change(&w->feed, 0, &change, &err), SC_OK);
}

static void describe(struct world *w, size_t table)
{
    const char name[] = {(char)('a' + table), 0};
    struct relation_column columns[TABLES] = {{.name = "x"}, {.name = "y"}, {.name = "z"}};
    struct change change = {
        .kind = CHANGE_RELATION,
        .relation = {
            .schema = "s", .name = name, .identity = 'f', .ncolumns = (uint16_t)(table + 1), .columns = columns}};
    struct sc_error err;
    assert_int_equal(my_feed_change(&w->feed, table, &change, &err), SC_OK);
}

/* Rows are called after their table: "b2". */
static struct change row_of(const char *value, struct value *row)
{
    size_t table = (size_t)(value[0] - 'a');
    for (size_t i = 0; i <= table; i++)
        row[i] = (struct value){.state = VALUE_PRESENT, .len = (uint32_t)strlen(value), .data = value};
    return (struct change){.kind = CHANGE_INSERT, .ncolumns = (uint16_t)(table + 1), .new_row = row};
}

static void commit(struct world *w, uint64_t offset)
{
    struct sc_error err;
    struct position p = at(offset);
    assert_int_equal(my_feed_commit(&w->feed, &p, 0, &err), SC_OK);
}

/* What is in the spool: "B100 a C200 M200:text"; "b:" is a RELATION, "T" a TRUNCATE. */
static void assert_put(struct world *w, const char *expected)
{
    struct buf b = {0};
    const void *record;
    size_t len;
    struct sc_error err;
    while (spool_take(w->spool, &record, &len, 0, &err) == SC_OK) {
        struct change c;
        arena_reset(&w->arena);
        assert_int_equal(change_decode(&w->arena, record, len, &c, &err), SC_OK);
        unsigned offset = (unsigned)(c.position.order & 0xffffff);
        buf_str(&b, b.len ? " " : "");
        if (c.kind == CHANGE_BEGIN)
            buf_printf(&b, "B%u", offset);
        else if (c.kind == CHANGE_COMMIT)
            buf_printf(&b, "C%u", offset);
        else if (c.kind == CHANGE_MARKER)
            buf_printf(&b, "M%u:%s", offset, c.marker);
        else if (c.kind == CHANGE_RELATION)
            buf_printf(&b, "%s:", c.relation.name);
        else if (c.kind == CHANGE_TRUNCATE)
            buf_char(&b, 'T');
        else
            buf_bytes(&b, c.new_row[0].data, c.new_row[0].len);
    }
    assert_string_equal(buf_cstr(&b), expected);
    buf_fini(&b);
}

static void a_group_without_anything_of_ours_moves_only_the_position(void **state)
{
    struct world *w = *state;
    group(w, 100);
    assert_false(my_feed_shows_end(&w->feed));
    commit(w, 200);
    assert_put(w, "");
    assert_int_equal(w->feed.received.order, at(200).order);
}

static void a_marker_stands_behind_its_commit(void **state)
{
    struct world *w = *state;
    group(w, 100);
    my_feed_marker(&w->feed, "x");
    insert(w, "a");
    my_feed_marker(&w->feed, "y");
    assert_true(my_feed_shows_end(&w->feed));
    commit(w, 200);
    group(w, 200);
    my_feed_marker(&w->feed, "z");
    commit(w, 300);
    assert_put(w, "B100 a C200 M200:x M200:y M300:z");
}

static void reading_ends_behind_the_last_marker(void **state)
{
    struct world *w = *state;
    struct sc_error err;
    w->feed.end_marker = "last";
    group(w, 100);
    my_feed_marker(&w->feed, "lasting");
    commit(w, 200);
    group(w, 200);
    insert(w, "a");
    my_feed_marker(&w->feed, "last");
    struct position p = at(300);
    assert_int_equal(my_feed_commit(&w->feed, &p, 0, &err), SC_STOP);
    assert_put(w, "M200:lasting B200 a C300 M300:last");
    assert_int_equal(w->feed.received.order, p.order);
}

static void what_was_put_of_a_cut_transaction_is_not_put_again(void **state)
{
    struct world *w = *state;
    group(w, 100);
    insert(w, "a");
    insert(w, "b");
    my_feed_lost(&w->feed);
    group(w, 100);
    insert(w, "a");
    my_feed_lost(&w->feed); /* again, before anything new came */
    group(w, 100);
    insert(w, "a");
    insert(w, "b");
    insert(w, "c");
    my_feed_lost(&w->feed);
    group(w, 100);
    insert(w, "a");
    insert(w, "b");
    insert(w, "c");
    insert(w, "d");
    commit(w, 200);
    assert_put(w, "B100 a b c d C200");
}

static void a_cut_transaction_that_comes_otherwise_ends_it(void **state)
{
    struct world *w = *state;
    struct sc_error err;
    group(w, 100);
    insert(w, "a");
    insert(w, "b");
    my_feed_lost(&w->feed);
    group(w, 100);
    insert(w, "a");
    struct position p = at(200);
    assert_int_equal(my_feed_commit(&w->feed, &p, 0, &err), SC_FAIL);
    my_feed_lost(&w->feed);
    p = at(150);
    assert_int_equal(my_feed_begin(&w->feed, &p, 0, &err), SC_FAIL);
}

static void groups_from_before_are_passed_over_whole(void **state)
{
    struct world *w = *state;
    group(w, 4);
    insert(w, "old");
    my_feed_marker(&w->feed, "old");
    commit(w, 50);
    assert_int_equal(w->feed.received.order, at(100).order);
    group(w, 100);
    insert(w, "new");
    commit(w, 150);
    assert_put(w, "B100 new C150");
}

static void a_group_that_did_not_happen_cannot_be_taken_back_once_it_was_put(void **state)
{
    struct world *w = *state;
    struct sc_error err;
    group(w, 100);
    struct position p = at(150);
    assert_int_equal(my_feed_discard(&w->feed, &p, &err), SC_OK);
    assert_int_equal(w->feed.received.order, at(150).order);
    group(w, 150);
    insert(w, "a");
    p = at(200);
    assert_int_equal(my_feed_discard(&w->feed, &p, &err), SC_FAIL);
}

static void an_empty_transaction_moves_the_checkpoint(void **state)
{
    struct world *w = *state;
    struct sc_error err;
    group(w, 100);
    commit(w, 200);
    struct position p = at(200);
    assert_int_equal(my_feed_advance(&w->feed, &p, &err), SC_OK);
    assert_int_equal(w->feed.put_end, p.order);
    assert_put(w, "B200 C200");
}

static void xa_changes_wait_for_their_decision(void **state)
{
    struct world *w = *state;
    struct sc_error err;
    struct my_xa xa = {0};
    struct value row = {.state = VALUE_PRESENT, .len = 1, .data = "a"};
    struct change change = {.kind = CHANGE_INSERT, .ncolumns = 1, .new_row = &row};
    struct my_log_position began = {.file = "binlog.000001", .number = 1, .offset = 100};
    struct my_xa_event first = {.format = 7, .gtrid_len = 1, .bqual_len = 1, .data = "ab"};
    struct my_xa_event second = {.format = 7, .gtrid_len = 2, .bqual_len = 0, .data = "ab"};
    my_xa_begin(&xa, &began);
    assert_int_equal(my_xa_hold(&xa, 0, &change, &err), SC_OK);
    assert_int_equal(my_xa_prepared(&xa, &first, &w->feed, &err), SC_OK);
    began.offset = 200;
    row.data = "b";
    for (int i = 0; i < 2; i++) { /* the second time it is read again */
        my_xa_begin(&xa, &began);
        assert_int_equal(my_xa_hold(&xa, 0, &change, &err), SC_OK);
        assert_int_equal(my_xa_prepared(&xa, &second, &w->feed, &err), SC_OK);
    }
    assert_int_equal(my_xa_oldest(&xa)->offset, 100);
    my_xa_end(&xa, "X'61',X'62',7");
    assert_int_equal(my_xa_oldest(&xa)->offset, 200);
    group(w, 300);
    assert_int_equal(my_xa_put(&xa, "X'6162',X'',8", &w->feed, &err), SC_OK);
    assert_int_equal(my_xa_put(&xa, "X'6162',X'',7", &w->feed, &err), SC_OK);
    commit(w, 400);
    my_xa_end(&xa, "X'6162',X'',7");
    assert_null(my_xa_oldest(&xa));
    assert_int_equal(xa.bytes, 0);
    assert_put(w, "B300 b C400");
    my_xa_fini(&xa);
}

/* --- several tables --- */

/* What one session sends of a group: `count` of its steps, a row ("b2") or a TRUNCATE ("Tb") each. Tables are described
 * before the first change of them in a session. */
static void send(struct world *w, const char *const *steps, int count)
{
    bool described[TABLES] = {0};
    group(w, 100);
    for (int i = 0; i < count; i++) {
        bool truncate = steps[i][0] == 'T';
        size_t table = (size_t)(steps[i][truncate] - 'a');
        struct value row[TABLES];
        struct change change = row_of(steps[i] + truncate, row);
        struct sc_error err;
        if (truncate)
            change = (struct change){.kind = CHANGE_TRUNCATE};
        if (!described[table])
            describe(w, table);
        described[table] = true;
        assert_int_equal(my_feed_change(&w->feed, table, &change, &err), SC_OK);
    }
}

/* What is in the spool as a consumer understands it: "[ a1 Tb ]". */
static void assert_understood(struct world *w, const char *expected)
{
    struct buf b = {0};
    const void *record;
    size_t len;
    struct sc_error err;
    char table = 0;
    uint16_t ncolumns = 0;
    while (spool_take(w->spool, &record, &len, 0, &err) == SC_OK) {
        struct change c;
        assert_int_equal(change_decode(&w->arena, record, len, &c, &err), SC_OK);
        if (c.kind == CHANGE_RELATION) {
            table = c.relation.name[0];
            ncolumns = c.relation.ncolumns;
            continue;
        }
        buf_str(&b, b.len ? " " : "");
        if (c.kind == CHANGE_BEGIN || c.kind == CHANGE_COMMIT)
            buf_char(&b, c.kind == CHANGE_BEGIN ? '[' : ']');
        else if (c.kind == CHANGE_TRUNCATE)
            buf_printf(&b, "T%c", table);
        else if (c.ncolumns != ncolumns || c.new_row[0].data[0] != table)
            fail_msg("row %s of %u columns came behind the RELATION of %c", c.new_row[0].data, c.ncolumns, table);
        else
            buf_str(&b, c.new_row[0].data);
    }
    assert_string_equal(buf_cstr(&b), expected);
    buf_fini(&b);
    arena_reset(&w->arena);
}

static void rows_of_several_tables_are_told_apart_wherever_they_are_cut(void **state)
{
    static const char *const steps[] = {"a1", "b1", "a2", "c1", "c2", "Tb", "b2", "a3", "Ta", "Tc", "c3", "a4"};
    enum { COUNT = sizeof(steps) / sizeof(steps[0]) };
    (void)state;
    for (int first = 0; first <= COUNT; first++)
        for (int second = -1; second <= COUNT; second++) {
            void *fresh = NULL;
            assert_int_equal(begin(&fresh), 0);
            struct world *w = fresh;
            send(w, steps, first);
            my_feed_lost(&w->feed);
            if (second >= 0) {
                send(w, steps, second);
                my_feed_lost(&w->feed);
            }
            send(w, steps, COUNT);
            commit(w, 200);
            assert_understood(w, "[ a1 b1 a2 c1 c2 Tb b2 a3 Ta Tc c3 a4 ]");
            end(&fresh);
        }
}

static void a_relation_is_put_only_where_the_table_is_another_one(void **state)
{
    struct world *w = *state;
    send(w, (const char *const[]){"a1", "a2", "b1", "b2", "a3"}, 5);
    commit(w, 200);
    group(w, 200);
    insert(w, "a4");
    my_feed_marker(&w->feed, "x");
    commit(w, 300);
    group(w, 300);
    insert(w, "a5");
    commit(w, 400);
    assert_put(w, "a: B100 a1 a2 b: b1 b2 a: a3 C200 B200 a4 C300 M300:x B300 a5 C400");
}

static void a_row_of_a_table_that_was_never_described_is_refused(void **state)
{
    struct world *w = *state;
    struct value row[TABLES];
    struct change change = row_of("b1", row);
    struct sc_error err;
    group(w, 100);
    assert_int_equal(my_feed_change(&w->feed, 1, &change, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "did not describe"));
}

static void hold(struct my_xa *xa, const char *value)
{
    struct value row[TABLES];
    struct change change = row_of(value, row);
    struct sc_error err;
    assert_int_equal(my_xa_hold(xa, (size_t)(value[0] - 'a'), &change, &err), SC_OK);
}

static void xa_changes_keep_their_tables(void **state)
{
    struct world *w = *state;
    struct sc_error err;
    struct my_xa xa = {0};
    struct my_log_position began = {.file = "binlog.000001", .number = 1, .offset = 100};
    struct my_xa_event prepared = {.format = 7, .gtrid_len = 1, .bqual_len = 1, .data = "ab"};
    struct my_xa_event one_phase = {.format = 1, .gtrid_len = 1, .bqual_len = 0, .data = "c", .one_phase = true};
    describe(w, 1);
    describe(w, 2);
    my_xa_begin(&xa, &began);
    hold(&xa, "b1");
    hold(&xa, "c1");
    hold(&xa, "b2");
    assert_int_equal(my_xa_prepared(&xa, &prepared, &w->feed, &err), SC_OK);
    group(w, 100); /* of another table, between the two */
    insert(w, "a1");
    commit(w, 200);
    for (int cut = 0; cut < 2; cut++) { /* it is put again from where it was lost */
        group(w, 200);
        assert_int_equal(my_xa_put(&xa, "X'61',X'62',7", &w->feed, &err), SC_OK);
        if (!cut)
            my_feed_lost(&w->feed);
    }
    my_xa_end(&xa, "X'61',X'62',7");
    commit(w, 300);
    group(w, 300);
    my_xa_begin(&xa, &began);
    hold(&xa, "a2");
    hold(&xa, "c2");
    hold(&xa, "a3");
    assert_int_equal(my_xa_prepared(&xa, &one_phase, &w->feed, &err), SC_OK);
    commit(w, 400);
    assert_understood(w, "[ a1 ] [ b1 c1 b2 ] [ a2 c2 a3 ]");
    assert_int_equal(xa.bytes, 0);
    my_xa_fini(&xa);
}

static void a_position_is_read_as_it_is_written(void **state)
{
    (void)state;
    struct my_log_position place = {.file = "binlog.000007", .number = 7, .offset = UINT64_C(5000000000)};
    struct my_log_position from = {.file = "binlog.000006", .number = 6, .offset = 4}, got, got_from;
    struct position p;
    struct sc_error err;
    char *gtids;
    my_position_write(&place, &from, "0-1-100,2-1-7", &p);
    assert_string_equal(p.text, "binlog.000007:5000000000 0-1-100,2-1-7 xa=binlog.000006:4");
    assert_int_equal(my_position_read(&p, &got, &got_from, &gtids, &err), SC_OK);
    assert_string_equal(gtids, "0-1-100,2-1-7");
    assert_int_equal(got.offset, place.offset);
    assert_string_equal(got_from.file, "binlog.000006");
    mem_free(gtids);
    my_position_write(&place, NULL, NULL, &p);
    assert_int_equal(my_position_read(&p, &got, &got_from, &gtids, &err), SC_OK);
    assert_string_equal(gtids, "");
    assert_int_equal(got_from.offset, place.offset);
    mem_free(gtids);
    char many[POSITION_TEXT];
    memset(many, '1', sizeof(many) - 1);
    many[sizeof(many) - 1] = 0;
    my_position_write(&place, &from, many, &p);
    assert_string_equal(p.text, "binlog.000007:5000000000 xa=binlog.000006:4");
}

static void a_stored_position_that_is_damaged_is_noticed(void **state)
{
    (void)state;
    static const struct {
        const char *order, *text;
        bool good;
    } cases[] = {
        {"7696581399055", "binlog.000007:4623 0-1-100 xa=binlog.000006:4", true},
        {NULL, NULL, true},
        {"7696581399055", NULL, false},
        {NULL, "binlog.000007:4623", false},
        {"7696581399056", "binlog.000007:4623", false},
        {" 7696581399055", "binlog.000007:4623", false},
        {"7696581399055", "binlog.000007:4623 xa=", false},
        {"7696581399055", "binlog.000007", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct position p;
        struct sc_error err;
        enum sc_result result = my_position_stored(cases[i].order, cases[i].text, &p, &err);
        assert_int_equal(result, cases[i].good ? SC_OK : SC_FAIL);
        assert_string_equal(p.text, cases[i].good && cases[i].text ? cases[i].text : "");
    }
}

static void a_log_that_was_set_back_is_noticed(void **state)
{
    (void)state;
    struct my_server mariadb = {.family = MY_MARIADB}, mysql = {.family = MY_MYSQL};
    struct my_log_position a = {.file = "binlog.000007", .number = 7, .offset = 100};
    struct my_log_position b = {.file = "binlog.000007", .number = 7, .offset = 200};
    struct position seen, now;
    struct sc_error err;
    bool later;
    my_position_write(&b, NULL, NULL, &seen);
    my_position_write(&a, NULL, NULL, &now);
    assert_int_equal(my_log_check_history(&mysql, &seen, &now, &later, &err), SC_REFUSE);
    assert_false(later);
    my_position_write(&a, &a, "0-1-100", &seen);
    my_position_write(&b, NULL, "0-1-99,1-1-5", &now);
    assert_int_equal(my_log_check_history(&mariadb, &seen, &now, &later, &err), SC_REFUSE);
    assert_true(later);
    my_position_write(&b, NULL, "0-2-101", &now);
    assert_int_equal(my_log_check_history(&mariadb, &seen, &now, &later, &err), SC_OK);
    my_position_write(&a, NULL, "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5", &seen);
    my_position_write(&b, NULL, "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-4", &now);
    assert_int_equal(my_log_check_history(&mysql, &seen, &now, &later, &err), SC_REFUSE);
    assert_true(later);
    my_position_write(&b, NULL, "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-7", &now);
    assert_int_equal(my_log_check_history(&mysql, &seen, &now, &later, &err), SC_OK);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_group_without_anything_of_ours_moves_only_the_position),
        WITH_WORLD(a_marker_stands_behind_its_commit),
        WITH_WORLD(reading_ends_behind_the_last_marker),
        WITH_WORLD(what_was_put_of_a_cut_transaction_is_not_put_again),
        WITH_WORLD(a_cut_transaction_that_comes_otherwise_ends_it),
        WITH_WORLD(groups_from_before_are_passed_over_whole),
        WITH_WORLD(a_group_that_did_not_happen_cannot_be_taken_back_once_it_was_put),
        WITH_WORLD(an_empty_transaction_moves_the_checkpoint),
        WITH_WORLD(xa_changes_wait_for_their_decision),
        cmocka_unit_test(rows_of_several_tables_are_told_apart_wherever_they_are_cut),
        WITH_WORLD(a_relation_is_put_only_where_the_table_is_another_one),
        WITH_WORLD(a_row_of_a_table_that_was_never_described_is_refused),
        WITH_WORLD(xa_changes_keep_their_tables),
        cmocka_unit_test(a_position_is_read_as_it_is_written),
        cmocka_unit_test(a_stored_position_that_is_damaged_is_noticed),
        cmocka_unit_test(a_log_that_was_set_back_is_noticed),
    };
    return cmocka_run_group_tests_name("the binary log's feed", tests, NULL, NULL);
}
