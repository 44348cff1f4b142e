/* PostgreSQL's messages: what is made of each, and that nothing is made of one that is not as it must be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/postgres/pgoutput.h"

#define TABLE 0x4001u
#define SECOND 0x3fffu
#define THIRD 0x80000001u

/* --- messages made by hand --- */

static struct pgoutput decoder_of(uint32_t table)
{
    struct pgoutput p;
    pgoutput_init(&p, &table, 1, "seachange test");
    return p;
}

static struct pgoutput decoder(void)
{
    return decoder_of(TABLE);
}

/* Decodes from memory of exactly the message's size, so that a sanitizer sees a read beyond it. */
static enum sc_result decode_bytes(struct pgoutput *p, struct arena *arena, const void *data, size_t len,
                                   struct pgoutput_message *out, struct sc_error *err)
{
    static char *exact;
    free(exact); /* names and values of the message before are gone */
    exact = malloc(len ? len : 1);
    if (len)
        memcpy(exact, data, len);
    return pgoutput_decode(p, arena, exact, len, out, err);
}

static void column(struct buf *b, uint8_t flags, const char *name, uint32_t type)
{
    buf_u8(b, flags);
    buf_bytes(b, name, strlen(name) + 1);
    buf_u32(b, type);
    buf_u32(b, 0xffffffffu);
}

static struct buf relation_message(uint32_t table)
{
    struct buf b = {0};
    buf_u8(&b, 'R');
    buf_u32(&b, table);
    buf_bytes(&b, "shop", 5);
    buf_bytes(&b, "orders", 7);
    buf_u8(&b, 'd');
    buf_u16(&b, 3);
    column(&b, 1, "id", 20);
    column(&b, 0, "note", 25);
    column(&b, 1, "part", 23);
    return b;
}

static void text_value(struct buf *b, const char *text)
{
    buf_u8(b, 't');
    buf_u32(b, (uint32_t)strlen(text));
    buf_str(b, text);
}

/* Values: NULL is NULL, "\1" is unchanged. */
static void row(struct buf *b, char image, const char *id, const char *note, const char *part)
{
    const char *values[] = {id, note, part};
    buf_u8(b, (uint8_t)image);
    buf_u16(b, 3);
    for (int i = 0; i < 3; i++) {
        if (!values[i])
            buf_u8(b, 'n');
        else if (values[i][0] == 1)
            buf_u8(b, 'u');
        else
            text_value(b, values[i]);
    }
}

static struct buf change_message(char type)
{
    struct buf b = {0};
    buf_u8(&b, (uint8_t)type);
    buf_u32(&b, TABLE);
    return b;
}

/* Decodes a message behind the table's description and frees it. */
static enum sc_result decode(struct arena *arena, struct buf message, struct pgoutput_message *out,
                             struct sc_error *err)
{
    struct pgoutput p = decoder();
    struct buf relation = relation_message(TABLE);
    assert_int_equal(decode_bytes(&p, arena, relation.data, relation.len, out, err), SC_OK);
    buf_fini(&relation);
    enum sc_result result = decode_bytes(&p, arena, message.data, message.len, out, err);
    buf_fini(&message);
    pgoutput_fini(&p);
    return result;
}

static void assert_value(const struct value *v, const char *expected)
{
    assert_int_equal(v->state, VALUE_PRESENT);
    assert_int_equal(v->len, strlen(expected));
    assert_memory_equal(v->data, expected, v->len);
}

static void begin_tells_transaction_commit_and_time(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_u8(&b, 'B');
    buf_u64(&b, 0x16b374d848u);
    buf_u64(&b, 86400000000u); /* a day behind 2000-01-01 */
    buf_u32(&b, 0xfffffff0u);
    struct arena arena = {0};
    struct pgoutput_message m;
    assert_int_equal(decode(&arena, b, &m, NULL), SC_OK);
    assert_true(m.ours);
    assert_int_equal(m.change.kind, CHANGE_BEGIN);
    assert_int_equal(m.change.xid, 0xfffffff0u);
    assert_int_equal(m.change.position.order, 0x16b374d848u);
    assert_string_equal(m.change.position.text, "16/B374D848");
    assert_int_equal(m.change.commit_us, INT64_C(946771200000000));
    arena_fini(&arena);
}

static void commit_tells_where_reading_may_resume(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_u8(&b, 'C');
    buf_u8(&b, 0);
    buf_u64(&b, 0x100);
    buf_u64(&b, 0x130);
    buf_u64(&b, 0);
    struct arena arena = {0};
    struct pgoutput_message m;
    assert_int_equal(decode(&arena, b, &m, NULL), SC_OK);
    assert_int_equal(m.change.kind, CHANGE_COMMIT);
    assert_int_equal(m.change.position.order, 0x130);
    assert_string_equal(m.change.position.text, "0/130");
    arena_fini(&arena);
}

static void a_relation_is_described_with_its_key(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct pgoutput_message m;
    assert_int_equal(decode(&arena, relation_message(TABLE), &m, NULL), SC_OK);
    const struct relation *r = &m.change.relation;
    assert_int_equal(m.change.kind, CHANGE_RELATION);
    assert_int_equal(r->id, TABLE);
    assert_string_equal(r->schema, "shop");
    assert_string_equal(r->name, "orders");
    assert_int_equal(r->identity, 'd');
    assert_int_equal(r->ncolumns, 3);
    assert_string_equal(r->columns[1].name, "note");
    assert_int_equal(r->columns[1].type, 25);
    assert_int_equal(r->columns[1].modifier, -1);
    assert_true(r->columns[0].key);
    assert_false(r->columns[1].key);
    assert_true(r->columns[2].key);
    arena_fini(&arena);
}

static void an_insert_has_its_values_nulls_and_empty_texts(void **state)
{
    (void)state;
    struct buf b = change_message('I');
    row(&b, 'N', "7", NULL, "");
    struct arena arena = {0};
    struct pgoutput_message m;
    assert_int_equal(decode(&arena, b, &m, NULL), SC_OK);
    assert_int_equal(m.change.kind, CHANGE_INSERT);
    assert_int_equal(m.change.ncolumns, 3);
    assert_null(m.change.old_row);
    assert_value(&m.change.new_row[0], "7");
    assert_int_equal(m.change.new_row[1].state, VALUE_NULL);
    assert_value(&m.change.new_row[2], "");
    arena_fini(&arena);
}

static void an_update_leaves_unchanged_values_unchanged(void **state)
{
    (void)state;
    struct buf b = change_message('U');
    row(&b, 'N', "7", "\1", "2");
    struct arena arena = {0};
    struct pgoutput_message m;
    assert_int_equal(decode(&arena, b, &m, NULL), SC_OK);
    assert_int_equal(m.change.kind, CHANGE_UPDATE);
    assert_null(m.change.old_row);
    assert_int_equal(m.change.new_row[1].state, VALUE_UNCHANGED);
    arena_fini(&arena);
}

static void a_key_image_has_only_the_key(void **state)
{
    (void)state;
    struct buf b = change_message('U');
    row(&b, 'K', "7", NULL, "2");
    row(&b, 'N', "8", "x", "2");
    struct arena arena = {0};
    struct pgoutput_message m;
    assert_int_equal(decode(&arena, b, &m, NULL), SC_OK);
    assert_value(&m.change.old_row[0], "7");
    assert_int_equal(m.change.old_row[1].state, VALUE_ABSENT);
    assert_value(&m.change.old_row[2], "2");
    assert_value(&m.change.new_row[0], "8");

    b = change_message('D');
    row(&b, 'K', "7", "not to be used", "2");
    assert_int_equal(decode(&arena, b, &m, NULL), SC_OK);
    assert_int_equal(m.change.kind, CHANGE_DELETE);
    assert_int_equal(m.change.old_row[1].state, VALUE_ABSENT);
    assert_null(m.change.new_row);
    arena_fini(&arena);
}

static void a_full_image_has_every_column(void **state)
{
    (void)state;
    struct buf b = change_message('D');
    row(&b, 'O', "7", NULL, "2");
    struct arena arena = {0};
    struct pgoutput_message m;
    assert_int_equal(decode(&arena, b, &m, NULL), SC_OK);
    assert_int_equal(m.change.old_row[1].state, VALUE_NULL);
    arena_fini(&arena);
}

static struct buf truncate_message(uint32_t a, uint32_t b)
{
    struct buf m = {0};
    buf_u8(&m, 'T');
    buf_u32(&m, 2);
    buf_u8(&m, 3);
    buf_u32(&m, a);
    buf_u32(&m, b);
    return m;
}

static void a_truncate_is_ours_when_our_table_is_among_them(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct pgoutput_message m;
    assert_int_equal(decode(&arena, truncate_message(5, TABLE), &m, NULL), SC_OK);
    assert_true(m.ours);
    assert_int_equal(m.change.kind, CHANGE_TRUNCATE);
    assert_int_equal(decode(&arena, truncate_message(5, 6), &m, NULL), SC_OK);
    assert_false(m.ours);
    arena_fini(&arena);
}

static struct buf message_message(uint8_t flags, const char *prefix, const char *text, size_t len)
{
    struct buf m = {0};
    buf_u8(&m, 'M');
    buf_u8(&m, flags);
    buf_u64(&m, 0x200);
    buf_bytes(&m, prefix, strlen(prefix) + 1);
    buf_u32(&m, (uint32_t)len);
    buf_bytes(&m, text, len);
    return m;
}

static void our_messages_are_markers_and_those_of_others_are_passed_over(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct pgoutput_message m;
    assert_int_equal(decode(&arena, message_message(0, "seachange test", "fence", 5), &m, NULL), SC_OK);
    assert_true(m.ours);
    assert_false(m.transactional);
    assert_int_equal(m.change.kind, CHANGE_MARKER);
    assert_string_equal(m.change.marker, "fence");
    assert_string_equal(m.change.position.text, "0/200");
    assert_int_equal(decode(&arena, message_message(1, "seachange test", "", 0), &m, NULL), SC_OK);
    assert_true(m.ours && m.transactional);
    assert_string_equal(m.change.marker, "");
    assert_int_equal(decode(&arena, message_message(0, "seachange tes", "fence", 5), &m, NULL), SC_OK);
    assert_false(m.ours);
    assert_int_equal(decode(&arena, message_message(0, "seachange test", "fe\0ce", 5), &m, NULL), SC_OK);
    assert_false(m.ours);
    arena_fini(&arena);
}

static void rows_of_other_tables_are_passed_over_unread(void **state)
{
    (void)state;
    struct pgoutput p = decoder();
    struct arena arena = {0};
    struct pgoutput_message m;
    const char other[] = "I\0\0\0\7whatever";
    assert_int_equal(decode_bytes(&p, &arena, other, sizeof(other), &m, NULL), SC_OK);
    assert_false(m.ours);
    struct buf relation = relation_message(7);
    assert_int_equal(decode_bytes(&p, &arena, relation.data, relation.len, &m, NULL), SC_OK);
    assert_false(m.ours);
    assert_false(p.tables[0].described);
    buf_fini(&relation);
    assert_int_equal(decode_bytes(&p, &arena, "Yx", 2, &m, NULL), SC_OK);
    assert_false(m.ours);
    assert_int_equal(decode_bytes(&p, &arena, "Ox", 2, &m, NULL), SC_OK);
    assert_false(m.ours);
    pgoutput_fini(&p);
    arena_fini(&arena);
}

static void assert_refused(struct buf message, const char *reason)
{
    struct arena arena = {0};
    struct pgoutput_message m;
    struct sc_error err;
    assert_int_equal(decode(&arena, message, &m, &err), SC_FAIL);
    if (!strstr(err.what, reason))
        fail_msg("expected \"%s\" in \"%s\"", reason, err.what);
    assert_true(err.hint[0]);
    arena_fini(&arena);
}

static void what_does_not_fit_the_description_is_refused(void **state)
{
    (void)state;
    struct buf b = change_message('I');
    buf_u8(&b, 'N');
    buf_u16(&b, 2);
    text_value(&b, "1");
    text_value(&b, "2");
    assert_refused(b, "INSERT message (20 bytes) cannot be read: a row with another number of columns");

    b = change_message('I');
    row(&b, 'N', "1", "\1", "2");
    assert_refused(b, "a new row with a value left out");

    b = change_message('D');
    row(&b, 'K', "1", NULL, "\1");
    assert_refused(b, "a key without its value");

    b = change_message('I');
    buf_u8(&b, 'N');
    buf_u16(&b, 3);
    buf_u8(&b, 'b');
    assert_refused(b, "a binary value");

    b = change_message('U');
    buf_u8(&b, 'N');
    buf_u16(&b, 3);
    buf_u8(&b, 'x');
    assert_refused(b, "an unknown kind of value");

    b = change_message('D');
    row(&b, 'N', "1", "2", "3");
    assert_refused(b, "an unknown kind of row image");

    b = change_message('I');
    row(&b, 'K', "1", "2", "3");
    assert_refused(b, "an unknown kind of row image");

    b = change_message('I');
    row(&b, 'N', "1", "2", "3");
    buf_u8(&b, 0);
    assert_refused(b, "it has bytes left at byte");
}

static void a_row_before_its_table_was_described_is_refused(void **state)
{
    (void)state;
    struct pgoutput p = decoder();
    struct arena arena = {0};
    struct pgoutput_message m;
    struct sc_error err;
    struct buf relation = relation_message(TABLE), b = change_message('I');
    row(&b, 'N', "1", "2", "3");
    assert_int_equal(decode_bytes(&p, &arena, b.data, b.len, &m, &err), SC_FAIL);
    assert_int_equal(decode_bytes(&p, &arena, relation.data, relation.len, &m, &err), SC_OK);
    assert_int_equal(decode_bytes(&p, &arena, b.data, b.len, &m, &err), SC_OK);
    pgoutput_reset(&p);
    assert_int_equal(decode_bytes(&p, &arena, b.data, b.len, &m, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "no description of the table"));
    buf_fini(&b);
    b = truncate_message(5, TABLE);
    assert_int_equal(decode_bytes(&p, &arena, b.data, b.len, &m, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "no description of the table"));
    buf_fini(&b);
    buf_fini(&relation);
    pgoutput_fini(&p);
    arena_fini(&arena);
}

static void messages_that_were_not_asked_for_are_refused_by_name(void **state)
{
    (void)state;
    const struct {
        char type;
        const char *name;
    } refused[] = {
        {'S', "STREAM START"},   {'E', "STREAM STOP"},       {'c', "STREAM COMMIT"},   {'A', "STREAM ABORT"},
        {'b', "BEGIN PREPARE"},  {'P', "PREPARE"},           {'K', "COMMIT PREPARED"}, {'r', "ROLLBACK PREPARED"},
        {'p', "STREAM PREPARE"}, {'Z', "unknown type 0x5a"},
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct buf b = {0};
        buf_u8(&b, (uint8_t)refused[i].type);
        buf_u64(&b, 0);
        assert_refused(b, refused[i].name);
    }
    assert_refused((struct buf){0}, "empty");
}

static void more_columns_than_a_table_can_have_are_refused(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_u8(&b, 'R');
    buf_u32(&b, TABLE);
    buf_bytes(&b, "s\0t", 4);
    buf_u8(&b, 'd');
    buf_u16(&b, 65535);
    assert_refused(b, "more columns than a table can have");
}

/* --- messages that a server sent --- */

struct recorded {
    struct buf *messages;
    size_t count;
};

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

static struct recorded load(void)
{
    struct recorded r = {.messages = calloc(200, sizeof(struct buf))};
    FILE *f = fopen(TEST_DATA_DIR "/pgoutput_15.hex", "r");
    assert_non_null(f);
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    while ((len = getline(&line, &cap, f)) > 0) {
        if (line[0] == '#')
            continue;
        assert_true(r.count < 200);
        for (ssize_t i = 0; i + 1 < len; i += 2)
            buf_u8(&r.messages[r.count], (uint8_t)(hex_digit(line[i]) << 4 | hex_digit(line[i + 1])));
        r.count++;
    }
    free(line);
    fclose(f);
    assert_true(r.count > 40);
    return r;
}

static void unload(struct recorded *r)
{
    for (size_t i = 0; i < r->count; i++)
        buf_fini(&r->messages[i]);
    free(r->messages);
}

/* The number that the recording server gave a table. */
static uint32_t find_table(const struct recorded *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct buf *m = &r->messages[i];
        if (m->data[0] == 'R' && strcmp(m->data + 5 + strlen(m->data + 5) + 1, name) == 0)
            return (uint32_t)(uint8_t)m->data[1] << 24 | (uint32_t)(uint8_t)m->data[2] << 16 |
                   (uint32_t)(uint8_t)m->data[3] << 8 | (uint8_t)m->data[4];
    }
    fail_msg("no table %s in the recording", name);
    return 0;
}

static void tell_value(struct buf *b, const struct value *v)
{
    static const char *const states[] = {"absent", "unchanged", "NULL"};
    if (v->state != VALUE_PRESENT)
        buf_str(b, states[v->state]);
    else if (v->len > 20)
        buf_printf(b, "%c*%u", v->data[0], v->len);
    else
        buf_printf(b, "'%.*s'", (int)v->len, v->data);
}

static void tell_row(struct buf *b, const char *name, const struct value *values, uint16_t n)
{
    for (uint16_t i = 0; values && i < n; i++) {
        buf_printf(b, "%s", i ? " " : name);
        tell_value(b, &values[i]);
    }
}

/* What the recording holds of a table, a line a change; positions and times are left out. */
static char *story(const struct recorded *r, const char *table)
{
    struct pgoutput p = decoder_of(find_table(r, table));
    struct arena arena = {0};
    struct buf b = {0};
    for (size_t i = 0; i < r->count; i++) {
        struct pgoutput_message m;
        struct sc_error err;
        if (decode_bytes(&p, &arena, r->messages[i].data, r->messages[i].len, &m, &err) != SC_OK)
            fail_msg("message %zu: %s", i, err.what);
        if (!m.ours || m.change.kind == CHANGE_BEGIN || m.change.kind == CHANGE_COMMIT)
            continue;
        buf_str(&b, change_kind_name(m.change.kind));
        if (m.change.kind == CHANGE_RELATION)
            buf_printf(&b, " %s.%s %c %u", m.change.relation.schema, m.change.relation.name, m.change.relation.identity,
                       m.change.relation.ncolumns);
        if (m.change.kind == CHANGE_MARKER)
            buf_printf(&b, " %s %s", m.transactional ? "within" : "alone", m.change.marker);
        tell_row(&b, " old ", m.change.old_row, m.change.ncolumns);
        tell_row(&b, " new ", m.change.new_row, m.change.ncolumns);
        buf_char(&b, '\n');
        arena_reset(&arena);
    }
    pgoutput_fini(&p);
    arena_fini(&arena);
    return buf_take(&b);
}

static void assert_story(const struct recorded *r, const char *table, const char *expected)
{
    char *told = story(r, table);
    char *kinds = told; /* names of kinds are for people: lower or upper case is theirs */
    for (char *c = kinds; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    assert_string_equal(kinds, expected);
    free(told);
}

static void a_recording_tells_what_was_done_to_a_table(void **state)
{
    (void)state;
    struct recorded r = load();
    assert_story(&r, "t",
                 "relation public.t d 4\n"
                 "insert new '1' 'one' null 'ok'\n"
                 "insert new '2' '' x*9000 'sad'\n"
                 "update new '2' 'two' unchanged 'sad'\n"
                 "update old '2' absent absent absent new '20' 'two' unchanged 'sad'\n"
                 "update new '20' 'two' y*9000 'sad'\n"
                 "delete old '1' absent absent absent\n"
                 "marker alone outside\n"
                 "marker within inside\n"
                 "insert new '3' 'three' null null\n"
                 "relation public.t d 5\n"
                 "insert new '4' 'four' null 'ok' '7'\n"
                 "relation public.t d 5\n"
                 "truncate\n");
    unload(&r);
}

static void a_recording_with_full_identity_has_old_rows(void **state)
{
    (void)state;
    struct recorded r = load();
    assert_story(&r, "whole",
                 "marker alone outside\n"
                 "marker within inside\n"
                 "relation public.whole f 2\n"
                 "insert new '1' null\n"
                 "insert new '2' 'b'\n"
                 "update old '1' null new '1' 'c'\n"
                 "delete old '2' 'b'\n");
    unload(&r);
}

static void a_recording_with_identity_by_index_has_that_key(void **state)
{
    (void)state;
    struct recorded r = load();
    assert_story(&r, "indexed",
                 "marker alone outside\n"
                 "marker within inside\n"
                 "relation public.indexed i 3\n"
                 "insert new '1' 'b' 'c'\n"
                 "update old absent 'b' absent new '1' 'bb' 'c'\n"
                 "delete old absent 'bb' absent\n");
    unload(&r);
}

static struct pgoutput copy_of(const struct pgoutput *p)
{
    const struct pgoutput_table *from = &p->tables[0];
    struct pgoutput copy = decoder_of(from->id);
    copy.tables[0].described = from->described;
    copy.tables[0].ncolumns = from->ncolumns;
    copy.tables[0].key = mem_alloc(from->ncolumns * sizeof(*from->key));
    if (from->ncolumns)
        memcpy(copy.tables[0].key, from->key, from->ncolumns * sizeof(*from->key));
    return copy;
}

/* Calls back with each message of the recording that is ours, the decoder standing before it. */
static void each_of_ours(void (*call)(const struct pgoutput *before, const struct buf *message))
{
    static const char *const tables[] = {"t", "whole", "indexed"};
    struct recorded r = load();
    struct arena arena = {0};
    for (size_t t = 0; t < 3; t++) {
        struct pgoutput p = decoder_of(find_table(&r, tables[t]));
        for (size_t i = 0; i < r.count; i++) {
            struct pgoutput before = copy_of(&p);
            struct pgoutput_message m;
            assert_int_equal(decode_bytes(&p, &arena, r.messages[i].data, r.messages[i].len, &m, NULL), SC_OK);
            if (m.ours)
                call(&before, &r.messages[i]);
            pgoutput_fini(&before);
            arena_reset(&arena);
        }
        pgoutput_fini(&p);
    }
    arena_fini(&arena);
    unload(&r);
}

static void cut_everywhere(const struct pgoutput *before, const struct buf *message)
{
    struct arena arena = {0};
    for (size_t len = 0; len<message->len; len += len> 200 && len + 100 < message->len ? 97 : 1) {
        struct pgoutput p = copy_of(before);
        struct pgoutput_message m;
        struct sc_error err;
        enum sc_result result = decode_bytes(&p, &arena, message->data, len, &m, &err);
        /* A message about a table is passed over once it is known to be another one's; that is not so here. */
        if (result != SC_FAIL)
            fail_msg("%c message of %zu bytes was taken when cut at %zu", message->data[0], message->len, len);
        pgoutput_fini(&p);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

static void a_message_cut_anywhere_is_refused(void **state)
{
    (void)state;
    each_of_ours(cut_everywhere);
}

static void add_a_byte(const struct pgoutput *before, const struct buf *message)
{
    struct arena arena = {0};
    struct pgoutput p = copy_of(before);
    struct pgoutput_message m;
    struct buf longer = {0};
    buf_bytes(&longer, message->data, message->len);
    buf_u8(&longer, 'n');
    assert_int_equal(decode_bytes(&p, &arena, longer.data, longer.len, &m, NULL), SC_FAIL);
    buf_fini(&longer);
    pgoutput_fini(&p);
    arena_fini(&arena);
}

static void a_message_with_a_byte_too_many_is_refused(void **state)
{
    (void)state;
    each_of_ours(add_a_byte);
}

static void touch(const struct value *values, uint16_t n, uint64_t *sum)
{
    for (uint16_t i = 0; values && i < n; i++)
        for (uint32_t k = 0; values[i].state == VALUE_PRESENT && k < values[i].len; k++)
            *sum += (uint8_t)values[i].data[k];
}

static void damage(const struct pgoutput *before, const struct buf *message)
{
    static uint64_t seed = 1, sum;
    struct arena arena = {0};
    for (int round = 0; round < 400; round++) {
        struct buf damaged = {0};
        buf_bytes(&damaged, message->data, message->len);
        for (int n = 0; n < 1 + round % 3; n++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t at = (seed >> 33) % (damaged.len < 64 || round % 2 ? damaged.len : 64);
            damaged.data[at] = (char)(seed >> 24);
        }
        struct pgoutput p = copy_of(before);
        struct pgoutput_message m;
        if (decode_bytes(&p, &arena, damaged.data, damaged.len, &m, NULL) == SC_OK && m.ours) {
            touch(m.change.old_row, m.change.ncolumns, &sum);
            touch(m.change.new_row, m.change.ncolumns, &sum);
        }
        buf_fini(&damaged);
        pgoutput_fini(&p);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

static void damaged_messages_are_never_read_beyond_their_end(void **state)
{
    (void)state;
    each_of_ours(damage);
}

/* --- several tables --- */

static struct pgoutput decoder_of_three(void)
{
    struct pgoutput p;
    pgoutput_init(&p, (const uint32_t[]){TABLE, THIRD, SECOND}, 3, "seachange test");
    return p;
}

/* Of `ncolumns` columns, the last one the key. */
static struct buf table_message(uint32_t id, const char *name, uint16_t ncolumns)
{
    struct buf b = {0};
    buf_u8(&b, 'R');
    buf_u32(&b, id);
    buf_bytes(&b, "shop", 5);
    buf_bytes(&b, name, strlen(name) + 1);
    buf_u8(&b, 'd');
    buf_u16(&b, ncolumns);
    for (uint16_t i = 0; i < ncolumns; i++)
        column(&b, i + 1 == ncolumns, "c", 25);
    return b;
}

/* Every value is `text`. */
static struct buf row_message(char type, uint32_t id, char image, uint16_t ncolumns, const char *text)
{
    struct buf b = {0};
    buf_u8(&b, (uint8_t)type);
    buf_u32(&b, id);
    buf_u8(&b, (uint8_t)image);
    buf_u16(&b, ncolumns);
    for (uint16_t i = 0; i < ncolumns; i++)
        text_value(&b, text);
    return b;
}

/* Takes it with the decoder as it is, and frees it. */
static enum sc_result take(struct pgoutput *p, struct arena *arena, struct buf message, struct pgoutput_message *out,
                           struct sc_error *err)
{
    enum sc_result result = decode_bytes(p, arena, message.data, message.len, out, err);
    buf_fini(&message);
    return result;
}

static uint32_t id_of(const struct pgoutput *p, size_t table)
{
    assert_true(table < p->ntables);
    return p->tables[table].id;
}

static void each_of_several_tables_has_its_own_description(void **state)
{
    (void)state;
    static const struct {
        uint32_t id;
        uint16_t ncolumns;
    } tables[] = {{TABLE, 3}, {SECOND, 1}, {THIRD, 2}};
    struct pgoutput p = decoder_of_three();
    struct arena arena = {0};
    struct pgoutput_message m;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(take(&p, &arena, table_message(tables[i].id, "t", tables[i].ncolumns), &m, NULL), SC_OK);
        assert_true(m.ours);
        assert_int_equal(id_of(&p, m.table), tables[i].id);
        assert_int_equal(m.change.relation.id, tables[i].id);
    }
    for (int i = 0; i < 12; i++) { /* by turns, with one between them that is not ours */
        uint32_t id = tables[i % 3].id;
        uint16_t ncolumns = tables[i % 3].ncolumns;
        assert_int_equal(take(&p, &arena, row_message('I', id, 'N', ncolumns, "v"), &m, NULL), SC_OK);
        assert_true(m.ours);
        assert_int_equal(id_of(&p, m.table), id);
        assert_int_equal(m.change.ncolumns, ncolumns);
        assert_value(&m.change.new_row[ncolumns - 1], "v");
        assert_int_equal(take(&p, &arena, row_message('I', 7, 'N', 9, "w"), &m, NULL), SC_OK);
        assert_false(m.ours);
        assert_int_equal(take(&p, &arena, row_message('D', id, 'K', ncolumns, "k"), &m, NULL), SC_OK);
        assert_int_equal(id_of(&p, m.table), id);
        for (uint16_t c = 0; c + 1 < ncolumns; c++)
            assert_int_equal(m.change.old_row[c].state, VALUE_ABSENT);
        assert_value(&m.change.old_row[ncolumns - 1], "k");
    }
    pgoutput_fini(&p);
    arena_fini(&arena);
}

static void a_description_is_not_taken_for_another_table_s(void **state)
{
    (void)state;
    struct pgoutput p = decoder_of_three();
    struct arena arena = {0};
    struct pgoutput_message m;
    struct sc_error err;
    assert_int_equal(take(&p, &arena, table_message(TABLE, "t", 2), &m, &err), SC_OK);
    assert_int_equal(take(&p, &arena, row_message('I', SECOND, 'N', 2, "v"), &m, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "no description of the table"));
    assert_int_equal(take(&p, &arena, truncate_message(TABLE, SECOND), &m, &err), SC_FAIL);
    assert_int_equal(take(&p, &arena, table_message(SECOND, "u", 3), &m, &err), SC_OK);
    assert_int_equal(take(&p, &arena, row_message('I', SECOND, 'N', 2, "v"), &m, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "another number of columns"));
    assert_int_equal(take(&p, &arena, row_message('I', TABLE, 'N', 2, "v"), &m, &err), SC_OK);
    /* One changes, the other does not. */
    assert_int_equal(take(&p, &arena, table_message(TABLE, "t", 5), &m, &err), SC_OK);
    assert_int_equal(take(&p, &arena, row_message('I', TABLE, 'N', 5, "v"), &m, &err), SC_OK);
    assert_int_equal(take(&p, &arena, row_message('I', SECOND, 'N', 3, "v"), &m, &err), SC_OK);
    pgoutput_reset(&p);
    assert_int_equal(take(&p, &arena, row_message('I', SECOND, 'N', 3, "v"), &m, &err), SC_FAIL);
    assert_int_equal(take(&p, &arena, table_message(TABLE, "t", 5), &m, &err), SC_OK);
    assert_int_equal(take(&p, &arena, row_message('I', SECOND, 'N', 3, "v"), &m, &err), SC_FAIL);
    pgoutput_fini(&p);
    arena_fini(&arena);
}

static void a_truncate_of_several_tables_names_each_of_ours_once(void **state)
{
    (void)state;
    struct pgoutput p = decoder_of_three();
    struct arena arena = {0};
    struct pgoutput_message m;
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(&p, &arena, table_message(id_of(&p, (size_t)i), "t", 1), &m, NULL), SC_OK);
    assert_int_equal(take(&p, &arena, truncate_message(THIRD, TABLE), &m, NULL), SC_OK);
    assert_true(m.ours);
    assert_int_equal(m.change.kind, CHANGE_TRUNCATE);
    assert_int_equal(m.ntruncated, 2);
    assert_int_equal(id_of(&p, m.truncated[0]), THIRD);
    assert_int_equal(id_of(&p, m.truncated[1]), TABLE);
    assert_int_equal(take(&p, &arena, truncate_message(5, SECOND), &m, NULL), SC_OK);
    assert_int_equal(m.ntruncated, 1);
    assert_int_equal(id_of(&p, m.truncated[0]), SECOND);
    assert_int_equal(take(&p, &arena, truncate_message(SECOND, SECOND), &m, NULL), SC_OK);
    assert_int_equal(m.ntruncated, 1);
    assert_int_equal(take(&p, &arena, truncate_message(5, 6), &m, NULL), SC_OK);
    assert_false(m.ours);
    pgoutput_fini(&p);
    arena_fini(&arena);
}

static void no_table_at_all_passes_everything_over_but_messages(void **state)
{
    (void)state;
    struct pgoutput p;
    pgoutput_init(&p, NULL, 0, "seachange test");
    struct arena arena = {0};
    struct pgoutput_message m;
    assert_int_equal(take(&p, &arena, table_message(TABLE, "t", 1), &m, NULL), SC_OK);
    assert_false(m.ours);
    assert_int_equal(take(&p, &arena, row_message('I', TABLE, 'N', 1, "v"), &m, NULL), SC_OK);
    assert_false(m.ours);
    assert_int_equal(take(&p, &arena, truncate_message(TABLE, SECOND), &m, NULL), SC_OK);
    assert_false(m.ours);
    assert_int_equal(take(&p, &arena, message_message(0, "seachange test", "fence", 5), &m, NULL), SC_OK);
    assert_true(m.ours);
    pgoutput_fini(&p);
    arena_fini(&arena);
}

/* The recording's three tables, read at once: of each just what it has when it is read alone. */
static void a_recording_tells_of_three_tables_what_it_tells_of_each(void **state)
{
    (void)state;
    static const char *const names[] = {"t", "whole", "indexed"};
    struct recorded r = load();
    struct arena arena = {0};
    uint32_t ids[3];
    struct pgoutput alone[3], all;
    for (int t = 0; t < 3; t++) {
        ids[t] = find_table(&r, names[t]);
        alone[t] = decoder_of(ids[t]);
    }
    pgoutput_init(&all, ids, 3, "seachange test");
    int rows[3] = {0};
    for (size_t i = 0; i < r.count; i++) {
        struct pgoutput_message m, one;
        struct buf got = {0}, expected = {0};
        assert_int_equal(decode_bytes(&all, &arena, r.messages[i].data, r.messages[i].len, &m, NULL), SC_OK);
        if (m.ours)
            change_encode(&got, &m.change);
        bool of_table = m.ours && !strchr("BCMT", r.messages[i].data[0]);
        for (int t = 0; t < 3; t++) {
            assert_int_equal(decode_bytes(&alone[t], &arena, r.messages[i].data, r.messages[i].len, &one, NULL), SC_OK);
            if (!one.ours)
                continue;
            assert_true(m.ours);
            if (of_table)
                assert_int_equal(id_of(&all, m.table), ids[t]);
            buf_clear(&expected);
            change_encode(&expected, &one.change);
            assert_int_equal(got.len, expected.len);
            assert_memory_equal(got.data, expected.data, got.len);
            rows[t] += of_table;
        }
        assert_true(!m.ours || expected.len > 0);
        buf_fini(&got);
        buf_fini(&expected);
        arena_reset(&arena);
    }
    for (int t = 0; t < 3; t++) {
        assert_true(rows[t] >= 4);
        pgoutput_fini(&alone[t]);
    }
    pgoutput_fini(&all);
    arena_fini(&arena);
    unload(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begin_tells_transaction_commit_and_time),
        cmocka_unit_test(commit_tells_where_reading_may_resume),
        cmocka_unit_test(a_relation_is_described_with_its_key),
        cmocka_unit_test(an_insert_has_its_values_nulls_and_empty_texts),
        cmocka_unit_test(an_update_leaves_unchanged_values_unchanged),
        cmocka_unit_test(a_key_image_has_only_the_key),
        cmocka_unit_test(a_full_image_has_every_column),
        cmocka_unit_test(a_truncate_is_ours_when_our_table_is_among_them),
        cmocka_unit_test(our_messages_are_markers_and_those_of_others_are_passed_over),
        cmocka_unit_test(rows_of_other_tables_are_passed_over_unread),
        cmocka_unit_test(what_does_not_fit_the_description_is_refused),
        cmocka_unit_test(a_row_before_its_table_was_described_is_refused),
        cmocka_unit_test(messages_that_were_not_asked_for_are_refused_by_name),
        cmocka_unit_test(more_columns_than_a_table_can_have_are_refused),
        cmocka_unit_test(each_of_several_tables_has_its_own_description),
        cmocka_unit_test(a_description_is_not_taken_for_another_table_s),
        cmocka_unit_test(a_truncate_of_several_tables_names_each_of_ours_once),
        cmocka_unit_test(no_table_at_all_passes_everything_over_but_messages),
        cmocka_unit_test(a_recording_tells_of_three_tables_what_it_tells_of_each),
        cmocka_unit_test(a_recording_tells_what_was_done_to_a_table),
        cmocka_unit_test(a_recording_with_full_identity_has_old_rows),
        cmocka_unit_test(a_recording_with_identity_by_index_has_that_key),
        cmocka_unit_test(a_message_cut_anywhere_is_refused),
        cmocka_unit_test(a_message_with_a_byte_too_many_is_refused),
        cmocka_unit_test(damaged_messages_are_never_read_beyond_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
