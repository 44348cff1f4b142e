/* Changes on their way through the spool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/change.h"

static struct value text(const char *s)
{
    return (struct value){.state = VALUE_PRESENT, .len = (uint32_t)strlen(s), .data = s};
}

static void assert_row_equal(const struct value *a, const struct value *b, uint16_t n)
{
    assert_int_equal(a == NULL, b == NULL);
    for (uint16_t i = 0; a && i < n; i++) {
        assert_int_equal(a[i].state, b[i].state);
        if (a[i].state != VALUE_PRESENT)
            continue;
        assert_int_equal(a[i].len, b[i].len);
        assert_memory_equal(a[i].data, b[i].data, a[i].len);
        assert_int_equal(b[i].data[b[i].len], 0);
    }
}

/* Encodes into memory of exactly the record's size, so that a sanitizer sees a read beyond it. */
static char *encode(const struct change *c, size_t *len)
{
    struct buf b = {0};
    change_encode(&b, c);
    char *exact = malloc(b.len);
    memcpy(exact, b.data, b.len);
    *len = b.len;
    buf_fini(&b);
    return exact;
}

static void a_row_comes_back_with_every_state_and_a_nul_behind_each_value(void **state)
{
    (void)state;
    static char big[100000];
    memset(big, 'x', sizeof(big));
    const uint32_t lengths[] = {0, 1, 250, 251, 252, 253, 255, 256, 65535, 65536, sizeof(big)};
    struct value old_row[14] = {{0}}, new_row[14] = {{0}};
    for (size_t i = 0; i < 11; i++)
        new_row[i] = (struct value){.state = VALUE_PRESENT, .len = lengths[i], .data = big}; /* no NUL behind these */
    new_row[11].state = VALUE_UNCHANGED;
    new_row[12].state = VALUE_NULL;
    new_row[13] = (struct value){.state = VALUE_PRESENT, .len = 3, .data = "a\0b"};
    old_row[0] = text("key");
    const struct change changes[] = {
        {.kind = CHANGE_INSERT, .ncolumns = 14, .new_row = new_row},
        {.kind = CHANGE_UPDATE, .ncolumns = 14, .new_row = new_row},
        {.kind = CHANGE_UPDATE, .ncolumns = 14, .new_row = new_row, .old_row = old_row},
        {.kind = CHANGE_DELETE, .ncolumns = 14, .old_row = old_row},
    };
    struct arena arena = {0};
    for (size_t i = 0; i < 4; i++) {
        size_t len;
        char *record = encode(&changes[i], &len);
        struct change out;
        struct sc_error err;
        assert_int_equal(change_decode(&arena, record, len, &out, &err), SC_OK);
        assert_int_equal(out.kind, changes[i].kind);
        assert_int_equal(out.ncolumns, 14);
        assert_row_equal(changes[i].old_row, out.old_row, 14);
        assert_row_equal(changes[i].new_row, out.new_row, 14);
        assert_int_equal(change_bytes(&out), change_bytes(&changes[i]));
        if (out.new_row)
            assert_in_range((uintptr_t)out.new_row[10].data, (uintptr_t)record, (uintptr_t)record + len);
        free(record);
    }
    arena_fini(&arena);
}

static void everything_but_rows_comes_back_too(void **state)
{
    (void)state;
    struct relation_column columns[] = {{.name = "id", .type = 20, .modifier = -1, .key = true},
                                        {.name = "na\"me", .type = 1043, .modifier = 68}};
    struct change relation = {
        .kind = CHANGE_RELATION,
        .relation = {
            .id = 4000000000u, .schema = "shop", .name = "orders", .identity = 'f', .ncolumns = 2, .columns = columns}};
    struct change begin = {.kind = CHANGE_BEGIN,
                           .xid = 4294967295u,
                           .position = {.order = 0x16B374D848, .text = "16/B374D848"},
                           .commit_us = -5};
    struct change marker = {.kind = CHANGE_MARKER, .position = {.order = 7, .text = "0/7"}, .marker = "fence 12"};
    struct change truncate = {.kind = CHANGE_TRUNCATE};
    struct arena arena = {0};
    struct change out;
    size_t len;

    char *record = encode(&relation, &len);
    assert_int_equal(change_decode(&arena, record, len, &out, NULL), SC_OK);
    assert_int_equal(out.relation.id, 4000000000u);
    assert_string_equal(out.relation.schema, "shop");
    assert_string_equal(out.relation.name, "orders");
    assert_int_equal(out.relation.identity, 'f');
    assert_int_equal(out.relation.ncolumns, 2);
    assert_true(out.relation.columns[0].key);
    assert_int_equal(out.relation.columns[0].modifier, -1);
    assert_string_equal(out.relation.columns[1].name, "na\"me");
    assert_int_equal(out.relation.columns[1].type, 1043);
    assert_false(out.relation.columns[1].key);
    free(record);

    record = encode(&begin, &len);
    assert_int_equal(change_decode(&arena, record, len, &out, NULL), SC_OK);
    assert_int_equal(out.xid, 4294967295u);
    assert_int_equal(out.position.order, 0x16B374D848);
    assert_string_equal(out.position.text, "16/B374D848");
    assert_int_equal(out.commit_us, -5);
    free(record);

    record = encode(&marker, &len);
    assert_int_equal(change_decode(&arena, record, len, &out, NULL), SC_OK);
    assert_string_equal(out.marker, "fence 12");
    assert_int_equal(out.position.order, 7);
    free(record);

    record = encode(&truncate, &len);
    assert_int_equal(change_decode(&arena, record, len, &out, NULL), SC_OK);
    assert_int_equal(out.kind, CHANGE_TRUNCATE);
    free(record);
    arena_fini(&arena);
}

static void what_the_log_tells_of_columns_comes_back_too(void **state)
{
    (void)state;
    struct relation_column columns[] = {
        {.name = "id", .type = 3, .key = true, .told_type = "int unsigned", .told_key = 2},
        {.name = "e", .told_type = "enum(0x61)", .told_charset = "latin1", .told_optional = true, .told_key = 1},
        {.name = "g", .told_type = "int", .told_optional = true, .told_absent = true}};
    struct change told = {
        .kind = CHANGE_RELATION,
        .relation = {
            .schema = "shop", .name = "orders", .identity = 'f', .ncolumns = 3, .columns = columns, .told = true}};
    struct arena arena = {0};
    struct change out;
    size_t len;
    char *record = encode(&told, &len);
    assert_int_equal(change_decode(&arena, record, len, &out, NULL), SC_OK);
    assert_true(out.relation.told);
    assert_false(out.relation.altered);
    for (int i = 0; i < 3; i++) {
        const struct relation_column *c = &out.relation.columns[i];
        assert_string_equal(c->name, columns[i].name);
        assert_string_equal(c->told_type, columns[i].told_type);
        assert_int_equal(c->told_charset != NULL, i == 1);
        assert_int_equal(c->told_optional, columns[i].told_optional);
        assert_int_equal(c->told_absent, columns[i].told_absent);
        assert_int_equal(c->told_key, columns[i].told_key);
        assert_int_equal(c->key, columns[i].key);
    }
    assert_string_equal(out.relation.columns[1].told_charset, "latin1");
    free(record);
    told.relation.told = false;
    record = encode(&told, &len);
    assert_int_equal(change_decode(&arena, record, len, &out, NULL), SC_OK);
    assert_false(out.relation.told);
    assert_null(out.relation.columns[0].told_type);
    free(record);
    told.relation.altered = true;
    record = encode(&told, &len);
    assert_int_equal(change_decode(&arena, record, len, &out, NULL), SC_OK);
    assert_true(out.relation.altered);
    assert_int_equal(out.relation.ncolumns, 0);
    free(record);
    arena_fini(&arena);
}

static void a_record_cut_short_or_with_more_behind_it_is_refused_at_every_length(void **state)
{
    (void)state;
    struct relation_column columns[] = {{.name = "id", .type = 20, .modifier = -1, .key = true}};
    struct value row[] = {text("1"), {.state = VALUE_NULL}, text("abc")};
    const struct change changes[] = {
        {.kind = CHANGE_RELATION, .relation = {.schema = "s", .name = "t", .ncolumns = 1, .columns = columns}},
        {.kind = CHANGE_BEGIN, .position = {.text = "0/1"}},
        {.kind = CHANGE_MARKER, .marker = "m"},
        {.kind = CHANGE_UPDATE, .ncolumns = 3, .old_row = row, .new_row = row},
        {.kind = CHANGE_TRUNCATE},
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        size_t len;
        char *record = encode(&changes[i], &len);
        for (size_t cut = 0; cut < len; cut++) {
            char *exact = malloc(cut ? cut : 1);
            memcpy(exact, record, cut);
            struct change out;
            struct sc_error err;
            assert_int_equal(change_decode(&arena, exact, cut, &out, &err), SC_FAIL);
            assert_non_null(strstr(err.what, "cannot be read back"));
            free(exact);
        }
        char *longer = calloc(1, len + 1);
        memcpy(longer, record, len);
        struct change out;
        assert_int_equal(change_decode(&arena, longer, len + 1, &out, NULL), SC_FAIL);
        free(longer);
        free(record);
    }
    arena_fini(&arena);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"\0", 1},                                          /* no such kind */
        {"\11", 1},                                         /* no such kind */
        {"\3\1\0\0", 4},                                    /* INSERT with an old image */
        {"\3\3\0\0", 4},                                    /* INSERT with two images */
        {"\5\2\0\0", 4},                                    /* DELETE with a new image */
        {"\4\1\0\0", 4},                                    /* UPDATE without a new image */
        {"\4\7\0\0", 4},                                    /* a third image */
        {"\3\2\x10\1", 4},                                  /* more columns than any server has */
        {"\3\2\0\1\5aX", 7},                                /* no NUL behind the value */
        {"\3\2\0\1\3\0\0\0\1a\0", 11},                      /* long form of a short length */
        {"\3\2\0\1\3\xff\xff\xff\xff\0", 10},               /* a length beyond the record */
        {"\1\0\0\0\1s\0t\0d\0\1c\0\0\0\0\0\0\0\0\0\2", 23}, /* a key flag that is neither */
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct change out;
        assert_int_equal(change_decode(&arena, bad[i].bytes, bad[i].len, &out, NULL), SC_FAIL);
    }
    struct change out;
    char flag[23];
    memcpy(flag, bad[11].bytes, 23);
    flag[22] = 1;
    assert_int_equal(change_decode(&arena, flag, 23, &out, NULL), SC_OK);
    arena_fini(&arena);
}

static void random_bytes_never_read_beyond_the_record(void **state)
{
    (void)state;
    struct arena arena = {0};
    unsigned seed = 20240607;
    for (int round = 0; round < 200000; round++) {
        size_t len = (size_t)(rand_r(&seed) % 40);
        char *bytes = malloc(len ? len : 1);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)(rand_r(&seed) % (i == 0 ? 9 : i < 6 ? 4 : 256));
        struct change out;
        if (change_decode(&arena, bytes, len, &out, NULL) == SC_OK) {
            size_t again;
            char *same = encode(&out, &again);
            assert_int_equal(again, len);
            assert_memory_equal(same, bytes, len);
            free(same);
        }
        free(bytes);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_comes_back_with_every_state_and_a_nul_behind_each_value),
        cmocka_unit_test(everything_but_rows_comes_back_too),
        cmocka_unit_test(what_the_log_tells_of_columns_comes_back_too),
        cmocka_unit_test(a_record_cut_short_or_with_more_behind_it_is_refused_at_every_length),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(random_bytes_never_read_beyond_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
