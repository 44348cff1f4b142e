/* What a history comes to, against a model that keeps every row; in both forms of events, in one pass and in many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/audit/envelope.h"
#include "cdc/audit/fold.h"
#include "unit/audit_table.h"

enum { PARTITIONS = 3, KEYS = 3000, PLENTY = 16 << 20 };
static const struct audit_slice all = {0};

static struct arena arena;
static struct audit_table with_schema, without; /* the same table */

static int make_tables(void **state)
{
    (void)state;
    struct sc_error err;
    without = audit_test_table(&arena);
    with_schema = without;
    with_schema.with_schema = true;
    with_schema.nkey = 0;
    return audit_table_prepare(&with_schema, &arena, &err) == SC_OK ? 0 : 1;
}

static int clean(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

/* --- a history, and what it comes to --- */

/* A message that was sent; of its own. */
struct sent {
    int32_t partition;
    int64_t offset;
    char *key, *value; /* NULL: none */
    size_t key_len, value_len;
};

struct history {
    struct sent *sent;
    size_t count, cap;
    int64_t end[PARTITIONS];
    struct audit_stream *stream;
    int at;
    char *rows[KEYS]; /* the model: what each row is; NULL: it is not there */
    bool known[KEYS]; /* since the last TRUNCATE */
};

static enum sc_result keep(void *arg, const struct audit_message *m, struct sc_error *err)
{
    (void)err;
    struct history *h = arg;
    if (h->count == h->cap) {
        h->cap = h->cap ? h->cap * 2 : 64;
        h->sent = mem_resize(h->sent, h->cap * sizeof(*h->sent));
    }
    h->sent[h->count++] = (struct sent){.partition = m->partition,
                                        .offset = h->end[m->partition]++,
                                        .key = m->key ? mem_strndup(m->key, m->key_len) : NULL,
                                        .key_len = m->key_len,
                                        .value = m->value ? mem_strndup(m->value, m->value_len) : NULL,
                                        .value_len = m->value_len};
    return SC_OK;
}

static void take(struct history *h, struct change change)
{
    struct sc_error err;
    if (audit_stream_take(h->stream, &change, &err) != SC_OK)
        fail_msg("%s", err.what);
}

static struct history *begin(const struct audit_table *table)
{
    static struct relation_column columns[2] = {{.name = "id", .key = true}, {.name = "v"}};
    struct history *h = mem_alloc(sizeof(*h));
    struct audit_stream_config config = {.engine = &pg_audit_engine,
                                         .tables = table,
                                         .ntables = 1,
                                         .version = "1.0",
                                         .tombstones = true,
                                         .send = keep,
                                         .arg = h};
    struct audit_state nowhere = {.partitions = PARTITIONS};
    h->stream = audit_stream_new(&config, &nowhere);
    take(h, (struct change){.kind = CHANGE_RELATION,
                            .relation = {.id = 1, .schema = "public", .name = "t", .ncolumns = 2, .columns = columns}});
    return h;
}

static void end(struct history *h)
{
    audit_stream_free(h->stream);
    for (size_t i = 0; i < h->count; i++) {
        mem_free(h->sent[i].key);
        mem_free(h->sent[i].value);
    }
    for (int i = 0; i < KEYS; i++)
        mem_free(h->rows[i]);
    mem_free(h->sent);
    mem_free(h);
}

static struct value text(const char *s)
{
    return s ? (struct value){.state = VALUE_PRESENT, .len = (uint32_t)strlen(s), .data = s}
             : (struct value){.state = VALUE_NULL};
}

/* One transaction; id < 0: TRUNCATE. v NULL: a deletion. */
static void change(struct history *h, int id, const char *v)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", id);
    struct value old_row[2] = {text(number), {.state = VALUE_ABSENT}}, new_row[2] = {text(number), text(v)};
    struct change c = {.kind = CHANGE_TRUNCATE};
    struct position at = {.order = (uint64_t)++h->at};
    take(h, (struct change){.kind = CHANGE_BEGIN, .position = at, .xid = (uint64_t)h->at, .commit_us = h->at});
    if (id >= 0) {
        c.kind = !v ? CHANGE_DELETE : h->rows[id] ? CHANGE_UPDATE : CHANGE_INSERT;
        c.ncolumns = 2;
        c.old_row = v ? NULL : old_row;
        c.new_row = v ? new_row : NULL;
        mem_free(h->rows[id]);
        h->rows[id] = mem_strdup(v);
        h->known[id] = true;
    }
    for (int i = 0; i < KEYS && id < 0; i++) {
        mem_free(h->rows[i]);
        h->rows[i] = NULL;
    }
    take(h, c);
    take(h, (struct change){.kind = CHANGE_COMMIT, .position = at});
}

static struct audit_received received(const struct sent *s)
{
    return (struct audit_received){.partition = s->partition,
                                   .offset = s->offset,
                                   .key = s->key,
                                   .value = s->value,
                                   .key_len = s->key_len,
                                   .value_len = s->value_len};
}

static struct audit_fold *fold(const struct history *h, size_t bytes, struct audit_slice slice)
{
    struct audit_fold *f = audit_fold_new(PARTITIONS, bytes, slice);
    struct sc_error err;
    for (size_t i = 0; i < h->count; i++) {
        struct audit_received m = received(&h->sent[i]);
        if (audit_fold_take(f, &m, &err) != SC_OK)
            fail_msg("%s", err.what);
    }
    return f;
}

static enum audit_row compare(struct audit_fold *f, int id, const char *v, struct audit_place *place)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", id);
    struct value row[2] = {text(number), text(v)};
    struct buf key = {0}, image = {0};
    struct sc_error err;
    assert_int_equal(audit_write_key(&key, &without, row, &err), SC_OK);
    assert_int_equal(audit_write_row(&image, &without, row, &err), SC_OK);
    enum audit_row verdict = audit_fold_compare(f, key.data, key.len, image.data, image.len, place);
    buf_fini(&key);
    buf_fini(&image);
    return verdict;
}

static void count_missing(void *arg, const struct audit_place *place)
{
    assert_in_range(place->partition, 0, PARTITIONS - 1);
    assert_true(place->offset >= 0);
    ++*(uint64_t *)arg;
}

static uint64_t missing(const struct audit_fold *f)
{
    uint64_t count = 0;
    audit_fold_rest(f, count_missing, &count);
    return count;
}

/* The model's rows are what the fold has, but for those of another slice: how many those are. */
static uint64_t agrees(struct audit_fold *f, const struct history *h)
{
    uint64_t elsewhere = 0;
    for (int i = 0; i < KEYS; i++) {
        if (!h->rows[i])
            continue;
        enum audit_row verdict = compare(f, i, h->rows[i], NULL);
        elsewhere += verdict == AUDIT_ROW_ELSEWHERE;
        if (verdict != AUDIT_ROW_ELSEWHERE)
            assert_int_equal(verdict, AUDIT_ROW_SAME);
    }
    assert_int_equal(missing(f), 0);
    return elsewhere;
}

/* 20,000 changes of chance to 3000 rows. */
static struct history *long_history(const struct audit_table *table, bool truncates)
{
    struct history *h = begin(table);
    char v[24];
    srandom(11);
    for (int i = 0; i < 20000; i++) {
        int id = (int)(random() % KEYS);
        snprintf(v, sizeof(v), "value %ld", random() % 1000);
        if (truncates && i % 7000 == 6500)
            change(h, -1, NULL);
        else if (h->rows[id] && random() % 3 == 0)
            change(h, id, NULL);
        else
            change(h, id, v);
    }
    return h;
}

/* --- tests --- */

static void the_end_is_what_the_rows_are(void **state)
{
    (void)state;
    for (int form = 0; form < 4; form++) {
        struct history *h = long_history(form & 1 ? &with_schema : &without, form & 2);
        struct audit_fold *f = fold(h, PLENTY, all);
        struct audit_folded is;
        uint64_t rows = 0;
        for (int i = 0; i < KEYS; i++)
            rows += h->rows[i] != NULL;
        audit_fold_result(f, &is);
        assert_false(audit_fold_full(f));
        assert_int_equal(is.rows, rows);
        assert_int_equal(is.whole, form & 2 ? 1 : 0);
        assert_int_equal(is.tombstones, is.removed);
        assert_int_equal(is.truncated, form & 2 ? 2 * PARTITIONS : 0);
        assert_int_equal(agrees(f, h), 0);
        audit_fold_free(f);
        end(h);
    }
}

static void whatever_differs_is_told_with_its_place(void **state)
{
    (void)state;
    struct history *h = begin(&with_schema);
    change(h, 1, "a");
    change(h, 2, "b");
    change(h, 3, "c");
    change(h, 2, "bb");
    change(h, 3, NULL);
    change(h, 4, "d");
    struct audit_fold *f = fold(h, PLENTY, all);
    struct audit_place place;
    assert_int_equal(compare(f, 1, "a", &place), AUDIT_ROW_SAME);
    assert_int_equal(compare(f, 2, "b", &place), AUDIT_ROW_DIFFERENT);
    const struct sent *last = &h->sent[3];
    assert_int_equal(place.partition, last->partition);
    assert_int_equal(place.offset, last->offset);
    assert_int_equal(compare(f, 3, "c", &place), AUDIT_ROW_REMOVED);
    assert_int_equal(compare(f, 77, "?", &place), AUDIT_ROW_UNKNOWN);
    assert_int_equal(place.partition, -1);
    assert_int_equal(missing(f), 1); /* row 4 */
    audit_fold_free(f);
    end(h);
}

static void what_a_truncate_took_is_gone_and_nothing_is_unknown_behind_it(void **state)
{
    (void)state;
    struct history *h = begin(&without);
    change(h, 1, "a");
    change(h, 2, "b");
    change(h, -1, NULL);
    change(h, 2, "again");
    struct audit_fold *f = fold(h, PLENTY, all);
    struct audit_folded is;
    audit_fold_result(f, &is);
    assert_true(is.whole);
    assert_int_equal(is.rows, 1);
    assert_int_equal(is.keys, 1);
    assert_int_equal(compare(f, 1, "a", NULL), AUDIT_ROW_REMOVED);
    assert_int_equal(compare(f, 2, "again", NULL), AUDIT_ROW_SAME);
    assert_int_equal(compare(f, 3, "?", NULL), AUDIT_ROW_NEVER);
    assert_int_equal(missing(f), 0);
    audit_fold_free(f);
    end(h);
}

static void a_snapshot_makes_the_history_whole(void **state)
{
    (void)state;
    struct history *h = begin(&without);
    struct value row[2] = {text("5"), text("e")};
    struct sc_error err;
    assert_int_equal(audit_stream_snapshot(h->stream, &without, row, 1, &err), SC_OK);
    struct audit_fold *f = fold(h, PLENTY, all);
    assert_int_equal(compare(f, 5, "e", NULL), AUDIT_ROW_SAME);
    assert_int_equal(compare(f, 6, "f", NULL), AUDIT_ROW_NEVER);
    audit_fold_free(f);
    end(h);
}

/* A large value that did not change: what the row is, the log does not say. */
static void rows_with_a_value_left_out_are_not_compared(void **state)
{
    (void)state;
    struct history *h = begin(&without);
    struct value row[2] = {text("1"), {.state = VALUE_UNCHANGED}};
    change(h, 1, "large");
    take(h, (struct change){.kind = CHANGE_BEGIN, .position = {.order = 50}});
    take(h, (struct change){.kind = CHANGE_UPDATE, .ncolumns = 2, .new_row = row});
    take(h, (struct change){.kind = CHANGE_COMMIT, .position = {.order = 51}});
    struct audit_fold *f = fold(h, PLENTY, all);
    struct audit_folded is;
    audit_fold_result(f, &is);
    assert_int_equal(is.partial, 1);
    assert_int_equal(is.rows, 1);
    assert_int_equal(compare(f, 1, "large", NULL), AUDIT_ROW_PARTIAL);
    assert_int_equal(missing(f), 0);
    audit_fold_free(f);
    end(h);
    /* Bytes are base64 in the event. */
    struct audit_envelope e;
    struct buf value = {0};
    buf_str(&value, "{\"after\":{\"b\":");
    audit_base64(&value, "__debezium_unavailable_value", 28);
    buf_str(&value, "},\"op\":\"u\"}");
    assert_true(audit_envelope_read(value.data, value.len, &e));
    assert_true(e.partial);
    buf_fini(&value);
}

static void many_passes_give_what_one_gives(void **state)
{
    (void)state;
    enum { BYTES = 40000 };
    struct history *h = long_history(&with_schema, true);
    struct audit_folded whole, part, sum = {0};
    struct audit_fold *f = fold(h, PLENTY, all);
    audit_fold_result(f, &whole);
    audit_fold_free(f);
    f = fold(h, BYTES, all);
    assert_true(audit_fold_full(f));
    audit_fold_free(f);
    /* As the caller does it: a slice that is too large is cut in two. */
    struct audit_slice slice = {0};
    int passes = 0;
    while (slice.index < 1u << slice.bits) {
        f = fold(h, BYTES, slice);
        passes++;
        if (audit_fold_full(f)) {
            slice.bits++;
            slice.index *= 2;
        } else {
            audit_fold_result(f, &part);
            sum.keys += part.keys;
            sum.rows += part.rows;
            sum.set += part.set;
            sum.removed += part.removed;
            uint64_t elsewhere = agrees(f, h);
            assert_int_equal(elsewhere, whole.rows - part.rows);
            slice.index++;
        }
        audit_fold_free(f);
        assert_true(passes < 100);
    }
    assert_true(passes > 8);
    assert_int_equal(sum.keys, whole.keys);
    assert_int_equal(sum.rows, whole.rows);
    assert_int_equal(sum.set, whole.set);
    assert_int_equal(sum.removed, whole.removed);
    end(h);
}

static void what_is_no_event_ends_it(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "x",
        "{",
        "[]",
        "{}",
        "{\"op\":\"c\"}",
        "{\"op\":\"c\",\"after\":null}",
        "{\"op\":\"c\",\"after\":[1]}",
        "{\"op\":\"d\",\"after\":{\"a\":1}}",
        "{\"op\":\"t\",\"after\":null}", /* has a key here */
        "{\"op\":\"m\",\"after\":{\"a\":1}}",
        "{\"op\":\"cc\",\"after\":{\"a\":1}}",
        "{\"op\":\"c\",\"after\":{\"a\":1}} x",
        "{\"op\":\"c\",\"after\":{\"a\":1},}",
        "{\"op\":\"c\",\"after\":{\"a\":1]}",
        "{\"op\":\"c\",\"after\":{\"a\":\"1}",
        "{\"op\":\"c\",\"after\":{\"a\":1},\"after\":{\"a\":2}}",
        "{\"op\":\"c\",\"op\":\"c\",\"after\":{\"a\":1}}",
        "{\"schema\":{},\"payload\":null}",
        "{\"schema\":{},\"payload\":{\"op\":\"c\",\"after\":{\"a\":1}}}", /* and the key has none */
        "{\"op\":\"c\",\"after\":{\"a\":"
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}}",
    };
    struct sc_error err;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct audit_fold *f = audit_fold_new(PARTITIONS, PLENTY, all);
        struct audit_received m = {.partition = 1,
                                   .offset = 42,
                                   .key = "{\"id\":1}",
                                   .key_len = 8,
                                   .value = bad[i],
                                   .value_len = strlen(bad[i])};
        if (audit_fold_take(f, &m, &err) != SC_FAIL)
            fail_msg("taken: %s", bad[i]);
        assert_non_null(strstr(err.what, "partition 1, offset 42"));
        audit_fold_free(f);
    }
    struct audit_fold *f = audit_fold_new(PARTITIONS, PLENTY, all);
    const char *good = " { \"op\" : \"c\" , \"after\" : { \"a\" : [ ] , \"b\\\"\" : { } , \"c\" : [ 1 , { } ] } } ";
    struct audit_received m = {.key = "{\"id\":1}", .key_len = 8, .value = good, .value_len = strlen(good)};
    assert_int_equal(audit_fold_take(f, &m, &err), SC_OK);
    m.key = "{\"id\":1";
    m.key_len--;
    assert_int_equal(audit_fold_take(f, &m, &err), SC_FAIL);
    m.partition = PARTITIONS;
    assert_int_equal(audit_fold_take(f, &m, &err), SC_FAIL);
    audit_fold_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_is_what_the_rows_are),
        cmocka_unit_test(whatever_differs_is_told_with_its_place),
        cmocka_unit_test(what_a_truncate_took_is_gone_and_nothing_is_unknown_behind_it),
        cmocka_unit_test(a_snapshot_makes_the_history_whole),
        cmocka_unit_test(rows_with_a_value_left_out_are_not_compared),
        cmocka_unit_test(many_passes_give_what_one_gives),
        cmocka_unit_test(what_is_no_event_ends_it),
    };
    return cmocka_run_group_tests(tests, make_tables, clean);
}
