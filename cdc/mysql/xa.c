#include "cdc/mysql/xa.h"

#include <string.h>
#include <strings.h>

#define MOST_BYTES ((size_t)256 << 20)

static void transaction_fini(struct my_xa_transaction *t)
{
    mem_free(t->xid);
    buf_fini(&t->changes);
    *t = (struct my_xa_transaction){0};
}

void my_xa_fini(struct my_xa *xa)
{
    for (size_t i = 0; i < xa->count; i++)
        transaction_fini(&xa->prepared[i]);
    mem_free(xa->prepared);
    transaction_fini(&xa->reading);
    mem_free(xa->described);
    *xa = (struct my_xa){0};
}

void my_xa_begin(struct my_xa *xa, const struct my_log_position *at)
{
    xa->bytes -= xa->reading.changes.len;
    buf_clear(&xa->reading.changes);
    xa->reading.began = *at;
    if (xa->ndescribed)
        memset(xa->described, 0, xa->ndescribed * sizeof(*xa->described));
}

/* In front of each change that is held. */
struct held {
    uint32_t len;
    uint32_t table;
};

static enum sc_result check_room(const struct my_xa *xa, struct sc_error *err)
{
    if (xa->bytes <= MOST_BYTES)
        return SC_OK;
    error_set(err, SC_FAIL, "XA transactions that are not decided yet hold more than %zu MiB of changes of the table",
              MOST_BYTES >> 20);
    return error_hint(err, "The source is untouched. Abort the migration and start it again without such XA "
                           "transactions.");
}

enum sc_result my_xa_hold(struct my_xa *xa, size_t table, const struct change *change, struct sc_error *err)
{
    struct buf *b = &xa->reading.changes;
    size_t start = b->len;
    struct held held = {.table = (uint32_t)table};
    buf_bytes(b, &held, sizeof(held));
    change_encode(b, change);
    held.len = (uint32_t)(b->len - start - sizeof(held));
    memcpy(b->data + start, &held, sizeof(held));
    xa->bytes += b->len - start;
    return check_room(xa, err);
}

/* Is that what was held of the table last, in the transaction that is being read? */
static bool is_held(const struct my_xa *xa, size_t table, const struct buf *record)
{
    if (table >= xa->ndescribed || xa->described[table] == 0)
        return false;
    const char *at = xa->reading.changes.data + xa->described[table] - 1;
    struct held held;
    memcpy(&held, at, sizeof(held));
    return held.len == record->len && memcmp(at + sizeof(held), record->data, record->len) == 0;
}

enum sc_result my_xa_hold_description(struct my_xa *xa, size_t table, const struct buf *record, struct sc_error *err)
{
    if (is_held(xa, table, record))
        return SC_OK;
    if (table >= xa->ndescribed) {
        xa->described = mem_resize(xa->described, (table + 1) * sizeof(*xa->described));
        memset(xa->described + xa->ndescribed, 0, (table + 1 - xa->ndescribed) * sizeof(*xa->described));
        xa->ndescribed = table + 1;
    }
    struct buf *b = &xa->reading.changes;
    struct held held = {.len = (uint32_t)record->len, .table = (uint32_t)table};
    xa->described[table] = b->len + 1;
    buf_bytes(b, &held, sizeof(held));
    buf_bytes(b, record->data, record->len);
    xa->bytes += sizeof(held) + record->len;
    return check_room(xa, err);
}

static enum sc_result put_held(const struct my_xa_transaction *t, struct my_feed *feed, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    struct arena arena = {0};
    for (size_t at = 0; result == SC_OK && at < t->changes.len;) {
        struct held held;
        memcpy(&held, t->changes.data + at, sizeof(held));
        at += sizeof(held);
        struct change change;
        arena_reset(&arena);
        result = change_decode(&arena, t->changes.data + at, held.len, &change, err);
        if (result == SC_OK && change.kind == CHANGE_RELATION)
            result = my_feed_describe(feed, held.table, t->changes.data + at, held.len, err);
        else if (result == SC_OK)
            result = my_feed_change(feed, held.table, &change, err);
        at += held.len;
    }
    arena_fini(&arena);
    return result;
}

/* Its rows are of the form that the tables had when it was prepared; rows behind it are of the one that they have. */
static enum sc_result put_all(const struct my_xa_transaction *t, struct my_feed *feed, struct sc_error *err)
{
    size_t count = feed->relations.count;
    struct buf *now = mem_array(count + 1, sizeof(*now));
    for (size_t i = 0; i < count; i++)
        buf_bytes(&now[i], feed->relations.records[i].data, feed->relations.records[i].len);
    enum sc_result result = put_held(t, feed, err);
    for (size_t i = 0; i < count; i++) {
        if (result == SC_OK && now[i].len > 0)
            result = my_feed_describe(feed, i, now[i].data, now[i].len, err);
        buf_fini(&now[i]);
    }
    mem_free(now);
    return result;
}

static struct my_xa_transaction *find(const struct my_xa *xa, const char *xid)
{
    for (size_t i = 0; i < xa->count; i++)
        if (strcasecmp(xa->prepared[i].xid, xid) == 0)
            return &xa->prepared[i];
    return NULL;
}

/* As the server writes it in XA COMMIT: X'61',X'62',1 */
static char *xid_text(const struct my_xa_event *event)
{
    struct buf b = {0};
    const unsigned char *p = (const unsigned char *)event->data;
    const uint32_t lens[2] = {event->gtrid_len, event->bqual_len};
    for (int part = 0; part < 2; part++) {
        buf_str(&b, "X'");
        for (uint32_t i = 0; i < lens[part]; i++)
            buf_printf(&b, "%02x", *p++);
        buf_str(&b, "',");
    }
    buf_printf(&b, "%u", event->format);
    return buf_take(&b);
}

enum sc_result my_xa_prepared(struct my_xa *xa, const struct my_xa_event *event, struct my_feed *feed,
                              struct sc_error *err)
{
    if (event->one_phase) {
        enum sc_result result = put_all(&xa->reading, feed, err);
        my_xa_begin(xa, &xa->reading.began);
        return result;
    }
    if (xa->reading.changes.len == 0)
        return SC_OK;
    char *xid = xid_text(event);
    my_xa_end(xa, xid); /* read a second time */
    if (xa->count == xa->cap) {
        xa->cap = xa->cap ? xa->cap * 2 : 8;
        xa->prepared = mem_resize(xa->prepared, xa->cap * sizeof(*xa->prepared));
    }
    xa->prepared[xa->count] = xa->reading;
    xa->prepared[xa->count++].xid = xid;
    xa->reading = (struct my_xa_transaction){0};
    return SC_OK;
}

enum sc_result my_xa_put(struct my_xa *xa, const char *xid, struct my_feed *feed, struct sc_error *err)
{
    const struct my_xa_transaction *t = find(xa, xid);
    return t ? put_all(t, feed, err) : SC_OK;
}

void my_xa_end(struct my_xa *xa, const char *xid)
{
    struct my_xa_transaction *t = find(xa, xid);
    if (!t)
        return;
    xa->bytes -= t->changes.len;
    transaction_fini(t);
    *t = xa->prepared[--xa->count];
}

const struct my_log_position *my_xa_oldest(const struct my_xa *xa)
{
    const struct my_log_position *oldest = NULL;
    for (size_t i = 0; i < xa->count; i++) {
        const struct my_log_position *p = &xa->prepared[i].began;
        if (!oldest || p->number < oldest->number || (p->number == oldest->number && p->offset < oldest->offset))
            oldest = p;
    }
    return oldest;
}
