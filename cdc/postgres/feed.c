#include "cdc/postgres/feed.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/postgres/conn.h"

void feed_init(struct feed *f, struct spool *spool, size_t ntables, const struct position *start,
               void (*idle)(void *arg), void *arg)
{
    *f = (struct feed){.spool = spool, .idle = idle, .idle_arg = arg, .received = *start, .put_end = start->order};
    relations_init(&f->relations, ntables);
}

void feed_fini(struct feed *f)
{
    relations_fini(&f->relations);
    buf_fini(&f->record);
}

static enum sc_result put_record(struct feed *f, const struct buf *record, struct sc_error *err)
{
    return spool_put(f->spool, record->data, record->len, f->idle, f->idle_arg, err);
}

static enum sc_result put(struct feed *f, const struct change *change, struct sc_error *err)
{
    buf_clear(&f->record);
    change_encode(&f->record, change);
    return put_record(f, &f->record, err);
}

/* Not counted: each session describes the tables anew. */
static enum sc_result take_relation(struct feed *f, size_t table, const struct change *relation, struct sc_error *err)
{
    enum sc_result result = put(f, relation, err);
    if (result == SC_OK)
        relations_describe(&f->relations, table, &f->record);
    return result;
}

static enum sc_result put_relation_before(struct feed *f, size_t table, struct sc_error *err)
{
    const struct buf *record;
    enum sc_result result = relations_before(&f->relations, table, &record, err);
    return result == SC_OK && record ? put_record(f, record, err) : result;
}

static enum sc_result not_as_before(struct sc_error *err, const char *what)
{
    error_set(err, SC_FAIL, "after a lost connection the server sent its log differently: %s", what);
    return error_hint(err,
                      "The source is untouched. What was applied can no longer be trusted to be complete: abort this "
                      "migration, start it again, and please report this.");
}

static enum sc_result take_begin(struct feed *f, const struct change *begin, struct sc_error *err)
{
    if (f->in_transaction)
        return error_set(err, SC_FAIL, "the server began a transaction within another one");
    f->in_transaction = true;
    f->begun = false;
    f->begin = *begin;
    f->seen = 0;
    if (!f->cut)
        return SC_OK;
    if (begin->position.order > f->cut_position)
        return not_as_before(err, "a transaction that had begun to arrive did not come again");
    if (begin->position.order == f->cut_position) {
        if (begin->xid != f->cut_xid)
            return not_as_before(err, "another transaction stands where one had begun to arrive");
        f->begun = true;
    }
    return SC_OK;
}

static enum sc_result take_commit(struct feed *f, const struct change *commit, struct sc_error *err)
{
    if (!f->in_transaction)
        return error_set(err, SC_FAIL, "the server ended a transaction that had not begun");
    if (f->begun) {
        if (f->cut && f->seen < f->cut_changes)
            return not_as_before(err, "a transaction came with fewer changes");
        enum sc_result result = put(f, commit, err);
        if (result != SC_OK)
            return result;
        f->put_end = commit->position.order;
        f->transactions++;
        f->cut = false;
    }
    f->in_transaction = f->begun = false;
    f->received = commit->position;
    return SC_OK;
}

/* A row, a TRUNCATE, or a marker, which is of no table: NULL. */
static enum sc_result take_in_transaction(struct feed *f, const size_t *table, const struct change *change,
                                          struct sc_error *err)
{
    if (!f->in_transaction)
        return error_set(err, SC_FAIL, "the server sent %s outside a transaction", change_kind_name(change->kind));
    if (f->cut && !f->begun)
        return not_as_before(err, "a transaction that had nothing of the table came with a change");
    f->seen++;
    if (f->cut && f->seen <= f->cut_changes)
        return SC_OK;
    enum sc_result result = SC_OK;
    if (!f->begun)
        result = put(f, &f->begin, err);
    if (result != SC_OK)
        return result;
    f->begun = true;
    if (table)
        result = put_relation_before(f, *table, err);
    if (result == SC_OK)
        result = put(f, change, err);
    if (result == SC_OK && table)
        f->changes++;
    return result;
}

/* One for each table, in the server's order, which it keeps when it sends the message again. */
static enum sc_result take_truncate(struct feed *f, const struct pgoutput_message *message, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < message->ntruncated && result == SC_OK; i++)
        result = take_in_transaction(f, &message->truncated[i], &message->change, err);
    return result;
}

static enum sc_result take_marker(struct feed *f, const struct change *marker, struct sc_error *err)
{
    if (marker->position.order <= f->last_marker)
        return SC_OK;
    if (f->in_transaction)
        return error_set(err, SC_FAIL, "the server sent a message from outside the transaction within it");
    if (f->cut)
        return not_as_before(err, "a message came that had not come before");
    enum sc_result result = put(f, marker, err);
    if (result != SC_OK)
        return result;
    f->last_marker = marker->position.order;
    return f->end_marker && strcmp(marker->marker, f->end_marker) == 0
               ? error_set(err, SC_STOP, "the last marker has come")
               : SC_OK;
}

enum sc_result feed_take(struct feed *f, const struct pgoutput_message *message, struct sc_error *err)
{
    const struct change *change = &message->change;
    switch (change->kind) {
    case CHANGE_BEGIN:
        return take_begin(f, change, err);
    case CHANGE_COMMIT:
        return take_commit(f, change, err);
    case CHANGE_RELATION:
        return take_relation(f, message->table, change, err);
    case CHANGE_INSERT:
    case CHANGE_UPDATE:
    case CHANGE_DELETE:
        return take_in_transaction(f, &message->table, change, err);
    case CHANGE_TRUNCATE:
        return take_truncate(f, message, err);
    case CHANGE_MARKER:
        return message->transactional ? take_in_transaction(f, NULL, change, err) : take_marker(f, change, err);
    }
    return error_set(err, SC_FAIL, "a change of unknown kind %d", (int)change->kind);
}

void feed_lost(struct feed *f)
{
    if (f->in_transaction && f->begun) {
        /* Lost again while the same one was coming again: what was put is what counts. */
        if (!f->cut || f->seen > f->cut_changes)
            f->cut_changes = f->seen;
        f->cut = true;
        f->cut_position = f->begin.position.order;
        f->cut_xid = f->begin.xid;
    }
    f->in_transaction = f->begun = false;
    f->seen = 0;
}

enum sc_result feed_advance(struct feed *f, uint64_t lsn, struct sc_error *err)
{
    assert(!f->in_transaction && !f->cut && lsn > f->received.order);
    struct change change = {.kind = CHANGE_BEGIN, .position = {.order = lsn}};
    pg_lsn_format(lsn, change.position.text);
    enum sc_result result = put(f, &change, err);
    if (result != SC_OK)
        return result;
    change.kind = CHANGE_COMMIT;
    result = put(f, &change, err);
    if (result != SC_OK)
        return result;
    f->received = change.position;
    f->put_end = lsn;
    return SC_OK;
}
