/* Several tables out of one log: each has numbers and hashes of its own, all stand at one place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/audit/streams.h"
#include "unit/audit_table.h"

enum { TABLES = 3, TRANSACTIONS = 40 };
static const char *const names[TABLES] = {"t", "u", "w"};
/* Each its own. */
static const int32_t partitions[TABLES] = {3, 1, 2};

static struct arena arena;
static struct audit_table tables[TABLES];

/* What each table's topic has, a line a message. */
struct topics {
    struct buf lines[TABLES];
    uint64_t sequence[TABLES];
};

static enum sc_result receive(void *arg, const struct audit_message *m, struct sc_error *err)
{
    (void)err;
    struct topics *topics = arg;
    size_t i = (size_t)(m->table - tables);
    assert_in_range(m->partition, 0, partitions[i] - 1);
    assert_int_equal(m->sequence, topics->sequence[i] + 1);
    topics->sequence[i] = m->sequence;
    char hash[AUDIT_HASH_TEXT];
    audit_hash_format(&m->hash, hash);
    buf_printf(&topics->lines[i], "%d %d %s %.*s %s %.*s\n", (int)m->sequence, (int)m->partition, m->position,
               (int)m->key_len, m->key ? m->key : "", hash, (int)m->value_len, m->value ? m->value : "");
    return SC_OK;
}

static void topics_fini(struct topics *topics)
{
    for (int i = 0; i < TABLES; i++)
        buf_fini(&topics->lines[i]);
}

static int make_tables(void **state)
{
    (void)state;
    for (int i = 0; i < TABLES; i++)
        tables[i] = audit_test_table_named(&arena, names[i]);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static struct audit_streams *streams(struct topics *topics, const struct audit_state *from)
{
    struct audit_stream_config config = {.engine = &pg_audit_engine,
                                         .tables = tables,
                                         .ntables = TABLES,
                                         .version = "1.0",
                                         .tombstones = true,
                                         .send = receive,
                                         .arg = topics};
    struct audit_state nowhere[TABLES];
    for (int i = 0; i < TABLES; i++)
        nowhere[i] = (struct audit_state){.partitions = partitions[i]};
    return audit_streams_new(&config, from ? from : nowhere);
}

/* --- a log: transactions of rows of one table or of several by turns, and some of none
 * --------------------------------------------------------------- */

static struct position place(int n)
{
    struct position p = {.order = (uint64_t)n};
    snprintf(p.text, sizeof(p.text), "0/%X", n);
    return p;
}

static enum sc_result take_relation(struct audit_streams *s, const char *name, struct sc_error *err)
{
    struct relation_column columns[2] = {{.name = "id", .key = true}, {.name = "v"}};
    struct change change = {.kind = CHANGE_RELATION,
                            .relation = {.schema = "public", .name = name, .ncolumns = 2, .columns = columns}};
    return audit_streams_take(s, &change, err);
}

static void take(struct audit_streams *s, struct change change)
{
    struct sc_error err;
    error_init(&err);
    if (audit_streams_take(s, &change, &err) != SC_OK)
        fail_msg("%s", err.what);
}

static void row(struct audit_streams *s, int transaction, int n, enum change_kind kind)
{
    char id[16], text[32];
    snprintf(id, sizeof(id), "%d", n * 7 + transaction);
    snprintf(text, sizeof(text), "value %d of %d", n, transaction);
    struct value values[2] = {{.state = VALUE_PRESENT, .len = (uint32_t)strlen(id), .data = id},
                              {.state = VALUE_PRESENT, .len = (uint32_t)strlen(text), .data = text}};
    take(s, (struct change){.kind = kind,
                            .ncolumns = 2,
                            .old_row = kind == CHANGE_DELETE ? values : NULL,
                            .new_row = kind == CHANGE_INSERT ? values : NULL});
}

/* Transaction n begins at 10 n and ends at 10 n + 5. */
static void transaction(struct audit_streams *s, int n)
{
    struct sc_error err;
    take(s, (struct change){.kind = CHANGE_BEGIN, .position = place(10 * n), .xid = (uint64_t)n, .commit_us = n});
    int last = -1;
    for (int k = 0; k < n % 7; k++) {
        int table = n % 3 == 0 ? n / 3 % TABLES : (n + k / 2) % TABLES;
        if (table != last)
            assert_int_equal(take_relation(s, names[table], &err), SC_OK);
        last = table;
        row(s, n, k, k % 4 == 3 ? CHANGE_DELETE : k % 5 == 4 ? CHANGE_TRUNCATE : CHANGE_INSERT);
    }
    take(s, (struct change){.kind = CHANGE_COMMIT, .position = place(10 * n + 5)});
}

static void each_table_has_numbers_and_hashes_of_its_own(void **state)
{
    (void)state;
    struct topics topics = {0};
    struct audit_streams *s = streams(&topics, NULL);
    for (int n = 1; n <= TRANSACTIONS; n++) {
        transaction(s, n);
        for (size_t i = 0; i < TABLES; i++) {
            assert_int_equal(audit_streams_state(s, i)->position.order, 10 * n + 5);
            assert_int_equal(audit_streams_state(s, i)->sequence, topics.sequence[i]);
        }
    }
    uint64_t sum = 0;
    for (int i = 0; i < TABLES; i++) {
        assert_in_range(topics.sequence[i], 20, 1000);
        sum += topics.sequence[i];
    }
    assert_int_equal(audit_streams_messages(s), sum);
    audit_streams_free(s);
    topics_fini(&topics);
}

/* Debezium: total_order counts all rows of the transaction, data_collection_order those of the table. */
static void rows_are_counted_in_the_transaction_and_in_the_table(void **state)
{
    (void)state;
    struct topics topics = {0};
    struct audit_streams *s = streams(&topics, NULL);
    struct sc_error err;
    take(s, (struct change){.kind = CHANGE_BEGIN, .position = place(1), .xid = 1, .commit_us = 1});
    for (int k = 0; k < 4; k++) {
        assert_int_equal(take_relation(s, names[k % 2], &err), SC_OK);
        row(s, 1, k, CHANGE_INSERT);
    }
    take(s, (struct change){.kind = CHANGE_COMMIT, .position = place(9)});
    assert_non_null(strstr(buf_cstr(&topics.lines[0]), "\"total_order\":1,\"data_collection_order\":1"));
    assert_non_null(strstr(buf_cstr(&topics.lines[1]), "\"total_order\":2,\"data_collection_order\":1"));
    assert_non_null(strstr(buf_cstr(&topics.lines[0]), "\"total_order\":3,\"data_collection_order\":2"));
    assert_non_null(strstr(buf_cstr(&topics.lines[1]), "\"total_order\":4,\"data_collection_order\":2"));
    audit_streams_free(s);
    topics_fini(&topics);
}

/* What was stored behind any transaction goes on with the same messages, to the last byte. */
static void a_restart_anywhere_sends_the_same_again(void **state)
{
    (void)state;
    struct topics whole = {0};
    struct audit_streams *s = streams(&whole, NULL);
    struct audit_state stored[TRANSACTIONS + 1][TABLES];
    size_t lengths[TRANSACTIONS + 1][TABLES];
    for (int n = 1; n <= TRANSACTIONS; n++) {
        transaction(s, n);
        for (size_t i = 0; i < TABLES; i++) {
            const struct audit_state *now = audit_streams_state(s, i);
            size_t count = (size_t)now->partitions;
            stored[n][i] = *now;
            stored[n][i].heads = arena_array(&arena, count, sizeof(struct audit_hash));
            memcpy(stored[n][i].heads, now->heads, count * sizeof(struct audit_hash));
            lengths[n][i] = whole.lines[i].len;
        }
    }
    audit_streams_free(s);
    for (int from = 1; from <= TRANSACTIONS; from++) {
        struct topics again = {0};
        for (int i = 0; i < TABLES; i++)
            again.sequence[i] = stored[from][i].sequence;
        s = streams(&again, stored[from]);
        /* The server sends some again that are before it. */
        for (int n = from > 3 ? from - 3 : 1; n <= TRANSACTIONS; n++)
            transaction(s, n);
        for (int i = 0; i < TABLES; i++)
            assert_string_equal(buf_cstr(&again.lines[i]), buf_cstr(&whole.lines[i]) + lengths[from][i]);
        audit_streams_free(s);
        topics_fini(&again);
    }
    topics_fini(&whole);
}

static void a_table_that_nobody_asked_for_ends_it(void **state)
{
    (void)state;
    struct topics topics = {0};
    struct audit_streams *s = streams(&topics, NULL);
    struct sc_error err;
    assert_int_equal(take_relation(s, "x", &err), SC_FAIL);
    assert_non_null(strstr(err.what, "public.x"));
    struct change truncate = {.kind = CHANGE_TRUNCATE};
    assert_int_equal(audit_streams_take(s, &truncate, &err), SC_FAIL);
    assert_int_equal(take_relation(s, "t", &err), SC_OK);
    assert_int_equal(audit_streams_take(s, &truncate, &err), SC_FAIL); /* outside a transaction */
    audit_streams_free(s);
    topics_fini(&topics);
}

static void what_is_stored_is_read_or_found_damaged(void **state)
{
    (void)state;
    struct audit_state s = {0};
    struct buf heads = {0};
    struct audit_hash two[2] = {{{1}}, {{2}}};
    audit_heads_format(&heads, two, 2);
    assert_true(audit_state_read(&s, &arena, "18446744073709551615", "2", buf_cstr(&heads)));
    assert_true(s.sequence == UINT64_MAX);
    assert_int_equal(s.partitions, 2);
    assert_memory_equal(s.heads, two, sizeof(two));
    static const char *const bad[][2] = {{"1", "0"},          {"1", "-1"}, {"1", "1"}, {"1", "3"},  {"1", "2147483647"},
                                         {"1", "4294967298"}, {"1x", "2"}, {"", "2"},  {"1", "2 "}, {"1", ""}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(audit_state_read(&s, &arena, bad[i][0], bad[i][1], buf_cstr(&heads)));
    assert_false(audit_state_read(&s, &arena, NULL, "2", buf_cstr(&heads)));
    assert_false(audit_state_read(&s, &arena, "1", NULL, buf_cstr(&heads)));
    assert_false(audit_state_read(&s, &arena, "1", "2", NULL));
    buf_fini(&heads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_table_has_numbers_and_hashes_of_its_own),
        cmocka_unit_test(rows_are_counted_in_the_transaction_and_in_the_table),
        cmocka_unit_test(a_restart_anywhere_sends_the_same_again),
        cmocka_unit_test(a_table_that_nobody_asked_for_ends_it),
        cmocka_unit_test(what_is_stored_is_read_or_found_damaged),
    };
    return cmocka_run_group_tests(tests, make_tables, clean);
}
