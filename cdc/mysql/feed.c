#include "cdc/mysql/feed.h"

#include <assert.h>
#include <string.h>

void my_feed_init(struct my_feed *f, struct spool *spool, size_t ntables, const struct position *start,
                  void (*idle)(void *arg), void *arg)
{
    *f = (struct my_feed){.spool = spool, .idle = idle, .idle_arg = arg, .received = *start, .put_end = start->order};
    relations_init(&f->relations, ntables);
}

void my_feed_fini(struct my_feed *f)
{
    strlist_fini(&f->markers);
    relations_fini(&f->relations);
    buf_fini(&f->record);
}

static enum sc_result put_record(struct my_feed *f, const struct buf *record, struct sc_error *err)
{
    enum sc_result result = spool_put(f->spool, record->data, record->len, f->idle, f->idle_arg, err);
    f->no_room |= result == SC_RETRY;
    return result;
}

static enum sc_result put(struct my_feed *f, const struct change *change, struct sc_error *err)
{
    buf_clear(&f->record);
    change_encode(&f->record, change);
    return put_record(f, &f->record, err);
}

/* Not counted: each session describes the tables anew. */
static enum sc_result take_relation(struct my_feed *f, size_t table, const struct change *relation,
                                    struct sc_error *err)
{
    enum sc_result result = put(f, relation, err);
    if (result == SC_OK)
        relations_describe(&f->relations, table, &f->record);
    return result;
}

static enum sc_result put_relation_before(struct my_feed *f, size_t table, struct sc_error *err)
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

static void end_group(struct my_feed *f)
{
    f->in_group = f->begun = f->passing = false;
    f->seen = 0;
    strlist_fini(&f->markers);
}

enum sc_result my_feed_begin(struct my_feed *f, const struct position *at, int64_t commit_us, struct sc_error *err)
{
    assert(!f->in_group);
    f->in_group = true;
    f->begun = false;
    f->seen = 0;
    f->begin = (struct change){.kind = CHANGE_BEGIN, .position = *at, .xid = at->order, .commit_us = commit_us};
    f->passing = at->order < f->received.order;
    if (f->passing || !f->cut)
        return SC_OK;
    if (at->order != f->cut_order)
        return not_as_before(err, "a transaction that had begun to arrive did not come again");
    f->begun = true;
    return SC_OK;
}

enum sc_result my_feed_change(struct my_feed *f, size_t table, const struct change *change, struct sc_error *err)
{
    if (change->kind == CHANGE_RELATION)
        return take_relation(f, table, change, err);
    if (!f->in_group)
        return error_set(err, SC_FAIL, "the server sent %s outside a transaction", change_kind_name(change->kind));
    if (f->passing)
        return SC_OK;
    f->seen++;
    f->table = table;
    if (f->cut && f->seen <= f->cut_changes)
        return SC_OK;
    enum sc_result result = SC_OK;
    if (!f->begun)
        result = put(f, &f->begin, err);
    if (result != SC_OK)
        return result;
    f->begun = true;
    result = put_relation_before(f, table, err);
    if (result == SC_OK)
        result = put(f, change, err);
    if (result == SC_OK)
        f->changes++;
    return result;
}

enum sc_result my_feed_describe(struct my_feed *f, size_t table, const void *record, size_t len, struct sc_error *err)
{
    const struct buf *last = &f->relations.records[table];
    if (last->len == len && memcmp(last->data, record, len) == 0)
        return SC_OK;
    buf_clear(&f->record);
    buf_bytes(&f->record, record, len);
    enum sc_result result = put_record(f, &f->record, err);
    if (result == SC_OK)
        relations_describe(&f->relations, table, &f->record);
    return result;
}

void my_feed_marker(struct my_feed *f, const char *text)
{
    if (f->in_group && !f->passing)
        strlist_add(&f->markers, text);
}

bool my_feed_shows_end(const struct my_feed *f)
{
    return f->begun || f->markers.count > 0;
}

enum sc_result my_feed_commit(struct my_feed *f, const struct position *end, int64_t commit_us, struct sc_error *err)
{
    if (!f->in_group)
        return error_set(err, SC_FAIL, "the server ended a transaction that had not begun");
    if (f->passing) {
        end_group(f);
        return SC_OK;
    }
    enum sc_result result = SC_OK;
    if (f->begun) {
        if (f->cut && f->seen < f->cut_changes)
            return not_as_before(err, "a transaction came with fewer changes");
        struct change commit = {.kind = CHANGE_COMMIT, .position = *end, .commit_us = commit_us};
        result = put(f, &commit, err);
        if (result != SC_OK)
            return result;
        f->put_end = end->order;
        f->transactions++;
        f->cut = false;
    }
    for (size_t i = 0; result == SC_OK && i < f->markers.count; i++) {
        struct change marker = {
            .kind = CHANGE_MARKER, .position = *end, .commit_us = commit_us, .marker = f->markers.items[i]};
        result = put(f, &marker, err);
    }
    if (result != SC_OK)
        return result;
    bool last = f->end_marker && strlist_has(&f->markers, f->end_marker);
    end_group(f);
    f->received = *end;
    return last ? error_set(err, SC_STOP, "the last marker has come") : SC_OK;
}

enum sc_result my_feed_discard(struct my_feed *f, const struct position *end, struct sc_error *err)
{
    if (f->begun) {
        error_set(err, SC_FAIL,
                  "a transaction whose changes of the table were already handed on was rolled back in the log");
        return error_hint(err, "The source is untouched, and the new table may hold rows that never were: abort the "
                               "migration and start it again. Transactions that mix tables without transactions (or "
                               "temporary tables) with this one can do that, and so can a crash of the server.");
    }
    bool passing = f->passing;
    end_group(f);
    if (!passing)
        f->received = *end;
    return SC_OK;
}

void my_feed_lost(struct my_feed *f)
{
    if (f->in_group && f->begun) {
        /* Lost again while the same one was coming again: what was put is what counts. */
        if (!f->cut || f->seen > f->cut_changes)
            f->cut_changes = f->seen;
        f->cut = true;
        f->cut_order = f->begin.position.order;
    }
    end_group(f);
}

enum sc_result my_feed_advance(struct my_feed *f, const struct position *at, struct sc_error *err)
{
    assert(!f->in_group && !f->cut && at->order == f->received.order);
    struct change change = {.kind = CHANGE_BEGIN, .position = *at, .xid = at->order};
    enum sc_result result = put(f, &change, err);
    if (result != SC_OK)
        return result;
    change.kind = CHANGE_COMMIT;
    result = put(f, &change, err);
    if (result == SC_OK)
        f->put_end = at->order;
    return result;
}
