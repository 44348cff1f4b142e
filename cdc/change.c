/* Encoding of changes, for the spool: compact, read back by this very program only.
 *
 * kind u8, then
 *   BEGIN, COMMIT, MARKER   xid u64, position (order u64, text with NUL), commit_us u64; MARKER: text with NUL
 *   RELATION                id u32, schema, name (with NUL), identity u8, count u16 (ffff: altered), columns: name,
 * type u32, modifier u32, flags u8 (1 key); told (flag 2, of all or none): type, charset with NUL, optional u8 (1; 2
 * absent), place in the key u16 INSERT, UPDATE, DELETE  images u8 (1 old, 2 new), count u16, old values, new values
 *   TRUNCATE                nothing
 *
 * A value is one byte: its state below 3; 3 with a u32 length behind it; or its length + 4 when that fits. Then the
 * bytes and a NUL, so that the decoded value can point into the record. There is one encoding of each change: all else
 * is refused. */
#include "cdc/change.h"

#include <assert.h>
#include <string.h>

#include "base/reader.h"

enum {
    IMAGE_OLD = 1,
    IMAGE_NEW = 2,
};

enum { COLUMN_KEY = 1, COLUMN_TOLD = 2, TOLD_OPTIONAL = 1, TOLD_ABSENT = 2, ALTERED = 0xffff };

enum {
    LEAD_LONG = 3,                  /* a u32 length follows */
    LEAD_SHORT = 4,                 /* lead - LEAD_SHORT is the length */
    SHORT_LIMIT = 256 - LEAD_SHORT, /* first length that needs the long form */
};

_Static_assert(VALUE_ABSENT == 0 && VALUE_NULL == 2 && (int)VALUE_PRESENT == LEAD_LONG, "a state is its own lead byte");

static void put_cstring(struct buf *out, const char *s)
{
    buf_str(out, s ? s : "");
    buf_u8(out, 0);
}

static void put_value(struct buf *out, const struct value *v)
{
    if (v->state != VALUE_PRESENT) {
        buf_u8(out, (uint8_t)v->state);
        return;
    }
    if (v->len < SHORT_LIMIT) {
        buf_u8(out, (uint8_t)(v->len + LEAD_SHORT));
    } else {
        buf_u8(out, LEAD_LONG);
        buf_u32(out, v->len);
    }
    buf_bytes(out, v->data, v->len);
    buf_u8(out, 0);
}

static void put_row(struct buf *out, const struct value *row, uint16_t ncolumns)
{
    for (uint16_t i = 0; row && i < ncolumns; i++)
        put_value(out, &row[i]);
}

static void put_transaction(struct buf *out, const struct change *c)
{
    buf_u64(out, c->xid);
    buf_u64(out, c->position.order);
    buf_bytes(out, c->position.text, strnlen(c->position.text, sizeof(c->position.text) - 1));
    buf_u8(out, 0);
    buf_u64(out, (uint64_t)c->commit_us);
}

static void put_relation(struct buf *out, const struct relation *r)
{
    buf_u32(out, r->id);
    put_cstring(out, r->schema);
    put_cstring(out, r->name);
    buf_u8(out, (uint8_t)r->identity);
    buf_u16(out, r->altered ? ALTERED : r->ncolumns);
    for (uint16_t i = 0; i < r->ncolumns && !r->altered; i++) {
        const struct relation_column *c = &r->columns[i];
        put_cstring(out, c->name);
        buf_u32(out, c->type);
        buf_u32(out, (uint32_t)c->modifier);
        buf_u8(out, (uint8_t)((c->key ? COLUMN_KEY : 0) | (r->told ? COLUMN_TOLD : 0)));
        if (!r->told)
            continue;
        put_cstring(out, c->told_type);
        put_cstring(out, c->told_charset);
        buf_u8(out, (uint8_t)((c->told_optional ? TOLD_OPTIONAL : 0) | (c->told_absent ? TOLD_ABSENT : 0)));
        buf_u16(out, c->told_key);
    }
}

void change_encode(struct buf *out, const struct change *change)
{
    buf_u8(out, (uint8_t)change->kind);
    switch (change->kind) {
    case CHANGE_BEGIN:
    case CHANGE_COMMIT:
        put_transaction(out, change);
        break;
    case CHANGE_MARKER:
        put_transaction(out, change);
        put_cstring(out, change->marker);
        break;
    case CHANGE_RELATION:
        put_relation(out, &change->relation);
        break;
    case CHANGE_INSERT:
    case CHANGE_UPDATE:
    case CHANGE_DELETE: {
        const struct value *old_row = change->kind == CHANGE_INSERT ? NULL : change->old_row;
        const struct value *new_row = change->kind == CHANGE_DELETE ? NULL : change->new_row;
        assert(change->kind == CHANGE_DELETE ? old_row != NULL : new_row != NULL);
        buf_u8(out, (uint8_t)((old_row ? IMAGE_OLD : 0) | (new_row ? IMAGE_NEW : 0)));
        buf_u16(out, change->ncolumns);
        put_row(out, old_row, change->ncolumns);
        put_row(out, new_row, change->ncolumns);
        break;
    }
    case CHANGE_TRUNCATE:
        break;
    }
}

static enum sc_result malformed(struct sc_error *err, const struct reader *r, const char *what)
{
    error_set(err, SC_FAIL, "a queued change cannot be read back: %s at byte %zu of %zu", what, reader_offset(r),
              (size_t)(r->end - r->start));
    return error_hint(
        err, "Nothing is lost: the server's log still has the change and sends it again after a restart. This is a "
             "fault of memory, of the disk below the spool, or of the program: please report it.");
}

/* The row's array comes from the arena, its values point into the record. NULL: r is bad. */
static struct value *get_row(struct reader *r, struct arena *arena, uint16_t ncolumns)
{
    struct value *row = arena_array(arena, ncolumns, sizeof(*row));
    for (uint16_t i = 0; i < ncolumns; i++) {
        uint8_t lead = read_u8(r);
        if (lead < LEAD_LONG) {
            row[i].state = (enum value_state)lead;
            continue;
        }
        uint32_t len = lead == LEAD_LONG ? read_u32(r) : (uint32_t)lead - LEAD_SHORT;
        const char *data = read_bytes(r, len);
        uint8_t nul = read_u8(r);
        if (!reader_ok(r) || nul != 0 || (lead == LEAD_LONG && len < SHORT_LIMIT)) {
            r->bad = true;
            return NULL;
        }
        row[i] = (struct value){.state = VALUE_PRESENT, .len = len, .data = data};
    }
    return reader_ok(r) ? row : NULL;
}

static void get_transaction(struct reader *r, struct change *out)
{
    out->xid = read_u64(r);
    out->position.order = read_u64(r);
    const char *text = read_cstring(r);
    size_t len = strlen(text);
    if (len >= sizeof(out->position.text))
        r->bad = true;
    else
        memcpy(out->position.text, text, len + 1);
    out->commit_us = (int64_t)read_u64(r);
}

static void get_told(struct reader *r, struct relation_column *c)
{
    c->told_type = read_cstring(r);
    const char *charset = read_cstring(r);
    c->told_charset = *charset ? charset : NULL;
    uint8_t flags = read_u8(r);
    c->told_optional = flags & TOLD_OPTIONAL;
    c->told_absent = flags & TOLD_ABSENT;
    c->told_key = read_u16(r);
    if (flags > (TOLD_OPTIONAL | TOLD_ABSENT))
        r->bad = true;
}

static void get_relation(struct reader *r, struct arena *arena, struct relation *out)
{
    out->id = read_u32(r);
    out->schema = read_cstring(r);
    out->name = read_cstring(r);
    out->identity = (char)read_u8(r);
    uint16_t ncolumns = read_u16(r);
    out->altered = ncolumns == ALTERED;
    if (out->altered)
        return;
    if (!reader_ok(r) || ncolumns > MAX_COLUMNS) {
        r->bad = true;
        return;
    }
    out->columns = arena_array(arena, ncolumns, sizeof(*out->columns));
    out->ncolumns = ncolumns;
    for (uint16_t i = 0; i < ncolumns && reader_ok(r); i++) {
        struct relation_column *c = &out->columns[i];
        c->name = read_cstring(r);
        c->type = read_u32(r);
        c->modifier = (int32_t)read_u32(r);
        uint8_t flags = read_u8(r);
        bool told = flags & COLUMN_TOLD;
        c->key = flags & COLUMN_KEY;
        if (flags > (COLUMN_KEY | COLUMN_TOLD) || (i > 0 && told != out->told))
            r->bad = true;
        out->told = told;
        if (told)
            get_told(r, c);
    }
}

static void get_rows(struct reader *r, struct arena *arena, struct change *out)
{
    uint8_t images = read_u8(r);
    uint16_t ncolumns = read_u16(r);
    bool fits = out->kind == CHANGE_INSERT   ? images == IMAGE_NEW
                : out->kind == CHANGE_DELETE ? images == IMAGE_OLD
                                             : images == IMAGE_NEW || images == (IMAGE_OLD | IMAGE_NEW);
    if (!reader_ok(r) || !fits || ncolumns > MAX_COLUMNS) {
        r->bad = true;
        return;
    }
    out->ncolumns = ncolumns;
    if (images & IMAGE_OLD)
        out->old_row = get_row(r, arena, ncolumns);
    if (images & IMAGE_NEW)
        out->new_row = get_row(r, arena, ncolumns);
}

enum sc_result change_decode(struct arena *arena, const void *data, size_t len, struct change *out,
                             struct sc_error *err)
{
    struct reader r = reader_of(data, len);
    *out = (struct change){.kind = (enum change_kind)read_u8(&r)};
    switch (out->kind) {
    case CHANGE_BEGIN:
    case CHANGE_COMMIT:
        get_transaction(&r, out);
        break;
    case CHANGE_MARKER:
        get_transaction(&r, out);
        out->marker = read_cstring(&r);
        break;
    case CHANGE_RELATION:
        get_relation(&r, arena, &out->relation);
        break;
    case CHANGE_INSERT:
    case CHANGE_UPDATE:
    case CHANGE_DELETE:
        get_rows(&r, arena, out);
        break;
    case CHANGE_TRUNCATE:
        break;
    default:
        return malformed(err, &r, "unknown kind");
    }
    if (!reader_ok(&r))
        return malformed(err, &r, change_kind_name(out->kind));
    if (!reader_done(&r))
        return malformed(err, &r, "bytes left over");
    return SC_OK;
}

static size_t row_bytes(const struct value *row, uint16_t ncolumns)
{
    size_t bytes = row ? ncolumns * sizeof(*row) : 0;
    for (uint16_t i = 0; row && i < ncolumns; i++)
        if (row[i].state == VALUE_PRESENT)
            bytes += (size_t)row[i].len + 1;
    return bytes;
}

size_t change_bytes(const struct change *change)
{
    return row_bytes(change->old_row, change->ncolumns) + row_bytes(change->new_row, change->ncolumns);
}

const char *change_kind_name(enum change_kind kind)
{
    switch (kind) {
    case CHANGE_RELATION:
        return "RELATION";
    case CHANGE_BEGIN:
        return "BEGIN";
    case CHANGE_INSERT:
        return "INSERT";
    case CHANGE_UPDATE:
        return "UPDATE";
    case CHANGE_DELETE:
        return "DELETE";
    case CHANGE_TRUNCATE:
        return "TRUNCATE";
    case CHANGE_COMMIT:
        return "COMMIT";
    case CHANGE_MARKER:
        return "MARKER";
    }
    return "?";
}
