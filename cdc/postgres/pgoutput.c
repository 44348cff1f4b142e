#include "cdc/postgres/pgoutput.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/plant.h"
#include "base/postgres/conn.h"
#include "base/reader.h"

/* PostgreSQL counts from 2000-01-01 (manual, pgoutput: "microseconds since PostgreSQL epoch"). */
#define EPOCH_2000_US INT64_C(946684800000000)

/* Bits of a column's flags in a RELATION message, of a message's flags. */
enum { COLUMN_IS_KEY = 1, MESSAGE_IS_TRANSACTIONAL = 1 };

static const struct message_name {
    char type;
    const char *name;
} message_names[] = {
    {'B', "BEGIN"},
    {'C', "COMMIT"},
    {'R', "RELATION"},
    {'I', "INSERT"},
    {'U', "UPDATE"},
    {'D', "DELETE"},
    {'T', "TRUNCATE"},
    {'M', "MESSAGE"},
    {'O', "ORIGIN"},
    {'Y', "TYPE"},
    /* Never asked for. */
    {'S', "STREAM START"},
    {'E', "STREAM STOP"},
    {'c', "STREAM COMMIT"},
    {'A', "STREAM ABORT"},
    {'b', "BEGIN PREPARE"},
    {'P', "PREPARE"},
    {'K', "COMMIT PREPARED"},
    {'r', "ROLLBACK PREPARED"},
    {'p', "STREAM PREPARE"},
};

static const char *name_of(char type)
{
    for (size_t i = 0; i < sizeof(message_names) / sizeof(message_names[0]); i++)
        if (message_names[i].type == type)
            return message_names[i].name;
    return NULL;
}

static enum sc_result advise(struct sc_error *err)
{
    return error_hint(err, "Nothing was applied of this message and the source is untouched. Please report the "
                           "server's version and this text.");
}

static enum sc_result malformed(struct sc_error *err, char type, const struct reader *r, const char *what)
{
    error_set(err, SC_FAIL, "the server's %s message (%zu bytes) cannot be read: %s at byte %zu", name_of(type),
              (size_t)(r->end - r->start), what, reader_offset(r));
    return advise(err);
}

static void set_position(struct position *p, uint64_t lsn)
{
    p->order = lsn;
    pg_lsn_format(lsn, p->text);
}

_Static_assert(sizeof(((struct position *)0)->text) >= 24, "pg_lsn_format() writes so much");

/* --- the tables --- */

static int by_id(const void *a, const void *b)
{
    uint32_t one = ((const struct pgoutput_table *)a)->id, other = ((const struct pgoutput_table *)b)->id;
    return one < other ? -1 : one > other;
}

void pgoutput_init(struct pgoutput *p, const uint32_t *ids, size_t count, const char *message_prefix)
{
    *p = (struct pgoutput){
        .tables = mem_array(count, sizeof(*p->tables)), .ntables = count, .message_prefix = message_prefix};
    for (size_t i = 0; i < count; i++)
        p->tables[i].id = ids[i];
    qsort(p->tables, count, sizeof(*p->tables), by_id);
}

void pgoutput_fini(struct pgoutput *p)
{
    for (size_t i = 0; i < p->ntables; i++)
        mem_free(p->tables[i].key);
    mem_free(p->tables);
    *p = (struct pgoutput){0};
}

void pgoutput_reset(struct pgoutput *p)
{
    for (size_t i = 0; i < p->ntables; i++)
        p->tables[i].described = false;
}

/* NULL: not ours. */
static struct pgoutput_table *find(const struct pgoutput *p, uint32_t id)
{
    return bsearch(&(struct pgoutput_table){.id = id}, p->tables, p->ntables, sizeof(*p->tables), by_id);
}

static void describe(struct pgoutput_table *t, const struct relation *rel)
{
    t->described = true;
    t->ncolumns = rel->ncolumns;
    t->key = mem_resize(t->key, rel->ncolumns * sizeof(*t->key));
    for (uint16_t i = 0; i < rel->ncolumns; i++)
        t->key[i] = rel->columns[i].key;
}

/* --- rows --- */

enum image { IMAGE_NEW, IMAGE_OLD, IMAGE_KEY };

/* One value. NULL when it is fine, else what is wrong. */
static const char *read_value(struct reader *r, struct value *v)
{
    char kind = (char)read_u8(r);
    switch (kind) {
    case 'n':
        v->state = VALUE_NULL;
        return NULL;
    case 'u':
        v->state = PLANTED(B3_UNCHANGED_AS_NULL) ? VALUE_NULL : VALUE_UNCHANGED;
        return NULL;
    case 't':
        v->state = VALUE_PRESENT;
        v->len = read_u32(r);
        v->data = read_bytes(r, v->len);
        return NULL;
    case 'b':
        return "a binary value, which was not asked for";
    default:
        return reader_ok(r) ? "an unknown kind of value" : NULL;
    }
}

/* A row image. NULL when it is fine, else what is wrong; running out of bytes shows in the reader. */
static const char *read_row(const struct pgoutput_table *t, struct arena *arena, struct reader *r, enum image image,
                            struct value **out)
{
    uint16_t ncolumns = read_u16(r);
    if (!reader_ok(r))
        return NULL;
    if (ncolumns != t->ncolumns)
        return "a row with another number of columns than the table's description";
    struct value *row = arena_array(arena, ncolumns, sizeof(*row));
    for (uint16_t i = 0; i < ncolumns; i++) {
        const char *wrong = read_value(r, &row[i]);
        if (wrong || !reader_ok(r))
            return wrong;
        /* Columns outside the key are sent as NULL in an image of the key: placeholders, not values. */
        if (image == IMAGE_KEY && !t->key[i] && !PLANTED(B4_PLACEHOLDERS_AS_VALUES))
            row[i] = (struct value){.state = VALUE_ABSENT};
        else if (image == IMAGE_KEY && row[i].state == VALUE_UNCHANGED)
            return "a key without its value";
    }
    *out = row;
    return NULL;
}

static const char *read_change(const struct pgoutput_table *t, struct arena *arena, struct reader *r, struct change *c)
{
    const char *wrong = NULL;
    char image = (char)read_u8(r);
    if (c->kind != CHANGE_INSERT && (image == 'K' || image == 'O')) {
        wrong = read_row(t, arena, r, image == 'K' ? IMAGE_KEY : IMAGE_OLD, &c->old_row);
        if (wrong || !reader_ok(r) || c->kind == CHANGE_DELETE)
            return wrong;
        image = (char)read_u8(r);
    }
    if (!reader_ok(r))
        return NULL;
    if (image != 'N' || c->kind == CHANGE_DELETE)
        return "an unknown kind of row image";
    wrong = read_row(t, arena, r, IMAGE_NEW, &c->new_row);
    if (wrong || !reader_ok(r) || c->kind != CHANGE_INSERT)
        return wrong;
    for (uint16_t i = 0; i < t->ncolumns; i++)
        if (c->new_row[i].state == VALUE_UNCHANGED)
            return "a new row with a value left out";
    return NULL;
}

static enum sc_result decode_row(const struct pgoutput *p, struct arena *arena, struct reader *r, char type,
                                 struct pgoutput_message *out, struct sc_error *err)
{
    uint32_t id = read_u32(r);
    if (!reader_ok(r))
        return malformed(err, type, r, "it ends too early");
    const struct pgoutput_table *t = find(p, id);
    if (!t)
        return SC_OK;
    if (!t->described)
        return malformed(err, type, r, "no description of the table came before it");
    out->ours = true;
    out->change.kind = type == 'I' ? CHANGE_INSERT : type == 'U' ? CHANGE_UPDATE : CHANGE_DELETE;
    out->table = (size_t)(t - p->tables);
    out->change.ncolumns = t->ncolumns;
    const char *wrong = read_change(t, arena, r, &out->change);
    if (wrong)
        return malformed(err, type, r, wrong);
    if (!reader_ok(r))
        return malformed(err, type, r, "it ends too early");
    if (!reader_done(r))
        return malformed(err, type, r, "it has bytes left");
    return SC_OK;
}

/* --- what is told of tables --- */

static enum sc_result decode_relation(const struct pgoutput *p, struct arena *arena, struct reader *r,
                                      struct pgoutput_message *out, struct sc_error *err)
{
    struct relation *rel = &out->change.relation;
    rel->id = read_u32(r);
    if (!reader_ok(r))
        return malformed(err, 'R', r, "it ends too early");
    struct pgoutput_table *t = find(p, rel->id);
    if (!t)
        return SC_OK;
    rel->schema = read_cstring(r);
    rel->name = read_cstring(r);
    rel->identity = (char)read_u8(r);
    rel->ncolumns = read_u16(r);
    if (!reader_ok(r))
        return malformed(err, 'R', r, "it ends too early");
    if (!rel->identity || !strchr("dnfi", rel->identity))
        return malformed(err, 'R', r, "an unknown replica identity");
    if (rel->ncolumns > MAX_COLUMNS)
        return malformed(err, 'R', r, "more columns than a table can have");
    /* pg_catalog is sent as an empty name. */
    if (!rel->schema[0])
        rel->schema = "pg_catalog";
    rel->columns = arena_array(arena, rel->ncolumns, sizeof(*rel->columns));
    for (uint16_t i = 0; i < rel->ncolumns && reader_ok(r); i++) {
        struct relation_column *c = &rel->columns[i];
        c->key = read_u8(r) & COLUMN_IS_KEY;
        c->name = read_cstring(r);
        c->type = read_u32(r);
        c->modifier = (int32_t)read_u32(r);
    }
    if (!reader_ok(r))
        return malformed(err, 'R', r, "it ends too early");
    if (!reader_done(r))
        return malformed(err, 'R', r, "it has bytes left");
    describe(t, rel);
    out->ours = true;
    out->table = (size_t)(t - p->tables);
    out->change.kind = CHANGE_RELATION;
    return SC_OK;
}

/* Notes a table that is emptied, the first time it is named. */
static void truncates(struct pgoutput_message *out, size_t table)
{
    for (size_t i = 0; i < out->ntruncated; i++)
        if (out->truncated[i] == table)
            return;
    out->truncated[out->ntruncated++] = table;
}

static enum sc_result decode_truncate(const struct pgoutput *p, struct arena *arena, struct reader *r,
                                      struct pgoutput_message *out, struct sc_error *err)
{
    uint32_t count = read_u32(r);
    read_u8(r); /* CASCADE, RESTART IDENTITY: the table is empty all the same */
    if (!reader_ok(r) || reader_left(r) / 4 < count)
        return malformed(err, 'T', r, "it ends too early");
    out->truncated = arena_array(arena, p->ntables, sizeof(*out->truncated));
    for (uint32_t i = 0; i < count; i++) {
        const struct pgoutput_table *t = find(p, read_u32(r));
        if (t && !t->described)
            return malformed(err, 'T', r, "no description of the table came before it");
        if (t)
            truncates(out, (size_t)(t - p->tables));
    }
    if (!reader_done(r))
        return malformed(err, 'T', r, "it has bytes left");
    out->ours = out->ntruncated > 0;
    out->change.kind = CHANGE_TRUNCATE;
    return SC_OK;
}

/* --- transactions and messages --- */

static enum sc_result decode_begin(struct reader *r, struct pgoutput_message *out, struct sc_error *err)
{
    out->ours = true;
    out->change.kind = CHANGE_BEGIN;
    set_position(&out->change.position, read_u64(r));
    out->change.commit_us = (int64_t)(read_u64(r) + (uint64_t)EPOCH_2000_US);
    out->change.xid = read_u32(r);
    if (!reader_done(r))
        return malformed(err, 'B', r, reader_ok(r) ? "it has bytes left" : "it ends too early");
    return SC_OK;
}

static enum sc_result decode_commit(struct reader *r, struct pgoutput_message *out, struct sc_error *err)
{
    out->ours = true;
    out->change.kind = CHANGE_COMMIT;
    uint8_t flags = read_u8(r);
    read_u64(r); /* the commit record itself: BEGIN told */
    set_position(&out->change.position, read_u64(r));
    out->change.commit_us = (int64_t)(read_u64(r) + (uint64_t)EPOCH_2000_US);
    if (!reader_done(r))
        return malformed(err, 'C', r, reader_ok(r) ? "it has bytes left" : "it ends too early");
    if (flags != 0)
        return malformed(err, 'C', r, "unknown flags");
    return SC_OK;
}

static enum sc_result decode_message(const struct pgoutput *p, struct arena *arena, struct reader *r,
                                     struct pgoutput_message *out, struct sc_error *err)
{
    uint8_t flags = read_u8(r);
    uint64_t lsn = read_u64(r);
    const char *prefix = read_cstring(r);
    uint32_t len = read_u32(r);
    const char *text = read_bytes(r, len);
    if (!reader_done(r))
        return malformed(err, 'M', r, reader_ok(r) ? "it has bytes left" : "it ends too early");
    if (flags & ~MESSAGE_IS_TRANSACTIONAL)
        return malformed(err, 'M', r, "unknown flags");
    /* Anybody can write messages; we write no NUL. */
    if (strcmp(prefix, p->message_prefix) != 0 || (len && memchr(text, 0, len)))
        return SC_OK;
    out->ours = true;
    out->transactional = flags & MESSAGE_IS_TRANSACTIONAL;
    out->change.kind = CHANGE_MARKER;
    set_position(&out->change.position, lsn);
    out->change.marker = arena_copy(arena, text, len);
    return SC_OK;
}

enum sc_result pgoutput_decode(struct pgoutput *p, struct arena *arena, const void *data, size_t len,
                               struct pgoutput_message *out, struct sc_error *err)
{
    *out = (struct pgoutput_message){0};
    struct reader r = reader_of(data, len);
    char type = (char)read_u8(&r);
    if (!reader_ok(&r)) {
        error_set(err, SC_FAIL, "the server sent an empty replication message");
        return advise(err);
    }
    switch (type) {
    case 'B':
        return decode_begin(&r, out, err);
    case 'C':
        return decode_commit(&r, out, err);
    case 'R':
        return decode_relation(p, arena, &r, out, err);
    case 'I':
    case 'U':
    case 'D':
        return decode_row(p, arena, &r, type, out, err);
    case 'T':
        return decode_truncate(p, arena, &r, out, err);
    case 'M':
        return decode_message(p, arena, &r, out, err);
    case 'O': /* where the change was made first, and names of types: nothing that we need */
    case 'Y':
        return SC_OK;
    }
    const char *name = name_of(type);
    if (name)
        error_set(err, SC_FAIL, "the server sent a %s message, which was not asked for", name);
    else
        error_set(err, SC_FAIL, "the server sent a replication message of unknown type 0x%02x", (unsigned char)type);
    return advise(err);
}
