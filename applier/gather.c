#include "applier/gather.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "applier/fold.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/plant.h"

/* One batch: large enough to pay for its round trips, small enough to be applied well within a turn. Behind the copy it
 * may be as large as memory allows: the more changes pile up, the more of them fold into one. */
#define BATCH_CHANGES 20000
#define BATCH_BYTES (4u << 20)
#define BATCH_CHANGES_MOST 200000
#define BATCH_BYTES_MOST (16u << 20)

bool apply_stopping(struct apply *a)
{
    pthread_mutex_lock(&a->lock);
    bool yes = a->stopping;
    pthread_mutex_unlock(&a->lock);
    return yes;
}

bool apply_copied(struct apply *a)
{
    pthread_mutex_lock(&a->lock);
    bool yes = a->copy_ended;
    pthread_mutex_unlock(&a->lock);
    return yes;
}

static void add_xid(struct apply *a, uint64_t xid)
{
    if (a->nxids && a->xids[a->nxids - 1] == xid)
        return;
    if (a->nxids == a->xids_cap) {
        a->xids_cap = a->xids_cap ? a->xids_cap * 2 : 256;
        a->xids = mem_resize(a->xids, a->xids_cap * sizeof(*a->xids));
    }
    a->xids[a->nxids++] = xid;
}

void gather_clear(struct apply *a)
{
    bool copied = apply_copied(a);
    a->most_changes = copied ? BATCH_CHANGES_MOST : BATCH_CHANGES;
    a->most_bytes = copied ? BATCH_BYTES_MOST : BATCH_BYTES;
    a->count = 0;
    a->nxids = 0;
    a->beat_us = 0;
    a->first_change_us = 0;
    a->marker[0] = 0;
    a->one_by_one = !a->fold;
    if (a->fold)
        fold_reset(a->fold);
    arena_reset(&a->arena);
}

bool gather_empty(const struct apply *a)
{
    return a->count == 0;
}

/* --- reading the spool into the batch
 * ------------------------------------------------------------------------------------ */

enum took { TOOK, TOOK_ENDS_BATCH, TOOK_NOT };

static void begin_transaction(struct apply *a, const struct change *change)
{
    a->in_transaction = true;
    a->transaction_at = change->position;
    a->transaction_xid = change->xid;
    a->transaction_changes = 0;
    a->skip_changes = 0;
    /* The checkpoint stands behind a commit record; a transaction whose commit record lies before it was applied. */
    a->skip_transaction = change->position.order < a->applied.order ||
                          (PLANTED(C1_SAME_PLACE_SKIPPED) && change->position.order == a->applied.order);
    if (a->partial.order && change->position.order == a->partial.order && !PLANTED(C1_PART_OF_A_TRANSACTION_FORGOTTEN))
        a->skip_changes = a->partial_changes;
    /* The marker's position lies behind it: a commit record may begin right there. */
    a->transaction_strict = a->fence.order && change->position.order >= a->fence.order;
}

static size_t batch_bytes(const struct apply *a)
{
    return a->arena.bytes + a->count * sizeof(*a->changes) + (a->fold ? fold_bytes(a->fold) : 0);
}

static void keep(struct apply *a, const void *data, size_t len)
{
    if (gather_empty(a)) {
        a->batch_strict = a->transaction_strict;
        a->first_change_us = clock_us();
    }
    if (a->count == a->cap) {
        a->cap = a->cap ? a->cap * 2 : 1024;
        a->changes = mem_resize(a->changes, a->cap * sizeof(*a->changes));
    }
    a->changes[a->count++] = (struct batch_change){.data = data, .len = (uint32_t)len};
    add_xid(a, a->transaction_xid);
    a->transaction_changes++;
    a->partial = a->last = a->transaction_at;
    a->partial_changes = a->last_changes = a->transaction_changes;
}

/* A batch that was begun in parts ends where it ended then. */
static bool batch_full(const struct apply *a)
{
    if (a->pending.parts)
        return a->last.order == a->pending.last.order && a->last_changes == a->pending.last_changes;
    return a->count >= a->most_changes || batch_bytes(a) >= a->most_bytes;
}

static bool skips(struct apply *a)
{
    if (a->skip_transaction || a->skip_changes == 0)
        return a->skip_transaction;
    a->skip_changes--;
    a->transaction_changes++;
    return true;
}

/* A batch of its own: only the log's order tells which rows it takes away. */
static enum took add_truncate(struct apply *a, const void *data, size_t len)
{
    if (!gather_empty(a))
        return TOOK_NOT;
    if (skips(a) || PLANTED(B9_TRUNCATE_IGNORED))
        return TOOK;
    a->one_by_one = true;
    keep(a, data, len);
    return TOOK_ENDS_BATCH;
}

static enum sc_result add_row(struct apply *a, const struct change *change, const void *data, size_t len,
                              enum took *took, struct sc_error *err)
{
    *took = TOOK;
    if (!a->in_transaction)
        return error_set(err, SC_FAIL, "the log gave a row outside a transaction");
    if (skips(a))
        return SC_OK;
    if (PLANTED(A5_INSERTS_LEFT_TO_THE_COPY) && change->kind == CHANGE_INSERT && !apply_copied(a))
        return SC_OK;
    if (PLANTED(B8_FIXED_ARRAY) && a->transaction_changes == 1024)
        return SC_OK;
    if (!gather_empty(a) && a->batch_strict != a->transaction_strict) {
        *took = TOOK_NOT;
        return SC_OK;
    }
    if (change->ncolumns != a->shape.ncolumns)
        return error_set(err, SC_FAIL, "the log gave a row of %u columns, the table has %u", change->ncolumns,
                         a->shape.ncolumns);
    if (!a->one_by_one) {
        enum fold_result folded = fold_add(a->fold, change, err);
        if (folded == FOLD_FAIL)
            return SC_FAIL;
        /* A change that cannot be folded takes the whole batch with it: one by one, but pipelined and in one
         * transaction, which costs less than many small batches. */
        a->one_by_one = folded == FOLD_BARRIER;
    }
    keep(a, data, len);
    if (batch_full(a))
        *took = TOOK_ENDS_BATCH;
    return SC_OK;
}

struct awaited *gather_find_marker(struct apply *a, const char *text)
{
    for (int i = 0; i < MARKERS; i++)
        if (a->markers[i].text[0] && strcmp(a->markers[i].text, text) == 0)
            return &a->markers[i];
    return NULL;
}

static enum took take_marker(struct apply *a, const struct change *change)
{
    uint64_t nonce;
    int64_t beat;
    if (sscanf(change->marker, "beat %" SCNx64 " %" SCNd64, &nonce, &beat) == 2) {
        if (nonce == a->nonce)
            a->beat_us = beat;
        return TOOK;
    }
    pthread_mutex_lock(&a->lock);
    bool awaited = gather_find_marker(a, change->marker) != NULL;
    pthread_mutex_unlock(&a->lock);
    if (!awaited)
        return TOOK;
    snprintf(a->marker, sizeof(a->marker), "%s", change->marker);
    a->marker_at = change->position;
    return TOOK_ENDS_BATCH;
}

static enum sc_result take_change(struct apply *a, const struct change *change, const void *data, size_t len,
                                  enum took *took, struct sc_error *err)
{
    *took = TOOK;
    switch (change->kind) {
    case CHANGE_RELATION:
        return a->config.ops->relation_check(a->config.target, &change->relation, err);
    case CHANGE_BEGIN:
        begin_transaction(a, change);
        return SC_OK;
    case CHANGE_INSERT:
    case CHANGE_UPDATE:
    case CHANGE_DELETE:
        return add_row(a, change, data, len, took, err);
    case CHANGE_TRUNCATE:
        *took = add_truncate(a, data, len);
        return SC_OK;
    case CHANGE_COMMIT:
        a->in_transaction = false;
        if (!a->skip_transaction) {
            a->applied = change->position;
            a->partial = (struct position){0};
            a->partial_changes = 0;
        }
        return SC_OK;
    case CHANGE_MARKER:
        *took = take_marker(a, change);
        return SC_OK;
    }
    return error_set(err, SC_FAIL, "the spool holds a change of unknown kind %d", (int)change->kind);
}

/* Takes one record. SC_RETRY: none came in time. */
static enum sc_result take_record(struct apply *a, int timeout_ms, enum took *took, struct sc_error *err)
{
    const void *data;
    size_t len;
    if (a->has_held) {
        buf_clear(&a->record);
        buf_bytes(&a->record, a->held.data, a->held.len);
        data = a->record.data;
        len = a->record.len;
        a->has_held = false;
    } else {
        enum sc_result result = spool_take(a->config.spool, &data, &len, timeout_ms, err);
        if (result != SC_OK)
            return result;
    }
    char *copy = arena_copy(&a->arena, data, len);
    struct change change;
    arena_reset(&a->decoded);
    enum sc_result result = change_decode(&a->decoded, copy, len, &change, err);
    if (result == SC_OK)
        result = take_change(a, &change, copy, len, took, err);
    if (result == SC_OK && *took == TOOK_NOT) {
        buf_clear(&a->held);
        buf_bytes(&a->held, copy, len);
        a->has_held = true;
    }
    return result;
}

static bool nothing_to_flush(const struct apply *a)
{
    return gather_empty(a) && !a->beat_us && a->applied.order == a->stored.order;
}

/* Would a batch that ended here cut a transaction in two, and is there time for the rest of it? */
static bool cuts(const struct apply *a, int64_t rest_until_us)
{
    return a->in_transaction && !gather_empty(a) && clock_us() < rest_until_us;
}

enum sc_result gather(struct apply *a, int64_t until_us, int64_t rest_until_us, bool eager, struct sc_error *err)
{
    for (;;) {
        enum took took = TOOK;
        eager = eager || apply_copied(a);
        bool cut = cuts(a, rest_until_us);
        int64_t left_ms = (until_us - clock_us()) / 1000;
        int timeout_ms = cut || a->pending.parts                          ? POLL_MS
                         : left_ms < 0 || (eager && !nothing_to_flush(a)) ? 0
                         : left_ms > POLL_MS                              ? POLL_MS
                                                                          : (int)left_ms;
        enum sc_result result = take_record(a, timeout_ms, &took, err);
        if (result == SC_OK && took != TOOK)
            return SC_OK;
        if (result != SC_OK && result != SC_RETRY)
            return result;
        if (apply_stopping(a))
            return error_set(err, SC_STOP, "stopped");
        bool late = (until_us && clock_us() >= until_us) || (eager && result == SC_RETRY);
        cut = cuts(a, rest_until_us) || a->pending.parts;
        if (late && !cut && (result == SC_RETRY || !gather_empty(a)))
            return nothing_to_flush(a) ? SC_RETRY : SC_OK;
    }
}
