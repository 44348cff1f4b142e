#include "applier/apply.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/batch.h"
#include "applier/fold.h"
#include "applier/parts.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* One batch: large enough to pay for its round trips, small enough to be applied well within a turn. Behind the copy it
 * may be as large as memory allows: the more changes pile up, the more of them fold into one. */
#define BATCH_CHANGES 20000
#define BATCH_BYTES (4u << 20)
#define BATCH_CHANGES_MOST 200000
#define BATCH_BYTES_MOST (16u << 20)
/* While chunks are copied, changes are gathered for so many turns before the copy is held up for them. */
#define TURNS_APART 4
/* Without an index on the ghost's key nothing can be applied. It is built when the copy has ended, when changes begin
 * to pile up on disk, or after this long. */
#define KEY_INDEX_AFTER_MS 30000
/* A smaller batch is not worth the round trips of parts. */
#define PARTS_FROM 2000
#define MARKERS 8
#define HEARTBEATS 64
#define POLL_MS 50
/* The log gives each transaction in one piece; so long a batch waits for the rest of one before it cuts it in two. */
#define REST_MS 5000

struct awaited {
    char text[64];
    bool fence, arrived;
    uint64_t repairs; /* before it was written */
};

struct apply {
    struct apply_config config;
    pthread_t thread;
    bool started;

    pthread_mutex_t lock; /* guards what follows, up to the thread's own */
    pthread_cond_t changed;
    bool stopping, park, parked, copy_ended, ended;
    enum sc_result result;
    struct sc_error err;
    struct apply_stats stats;
    struct awaited markers[MARKERS];
    int64_t beats[HEARTBEATS]; /* times of heartbeats written and not back yet, oldest first */
    int nbeats;
    int64_t beat_lag_us; /* of the newest that came back; -1 */

    /* The thread's own (or apply_drain()'s, while it is parked). */
    uint64_t nonce;
    struct session *session;
    struct arena arena;   /* of the batch */
    struct arena decoded; /* the record at hand */
    struct batch_change *changes;
    size_t count, cap, most_changes, most_bytes;
    struct fold *fold;
    bool asked_again; /* the session was lost since the batch was first sent */
    bool turn_visible;
    bool one_by_one; /* keys cannot be compared here, or this change has to be applied alone */
    struct row_shape shape;
    uint64_t *xids;
    size_t nxids, xids_cap;
    uint64_t *turn_xids; /* applied in this turn at the gate */
    size_t nturn, turn_cap;
    bool batch_strict;
    struct buf held; /* a record that was read but belongs to the next batch */
    bool has_held;
    struct buf record;

    bool in_transaction, skip_transaction, transaction_strict;
    uint64_t skip_changes, transaction_changes;
    uint64_t transaction_xid;
    struct position transaction_at;
    struct position applied, partial, fence;
    struct position last;  /* of the batch's last change: its transaction ... */
    uint64_t last_changes; /* ... and its number in there */
    struct parts *parts;
    struct parts_cut pending; /* parts > 0: the batch is in in part, and may only be gone on with in parts */
    uint64_t partial_changes;
    bool settled; /* see struct batch */
    uint64_t settled_repairs;
    struct position stored; /* as last committed */
    int64_t first_change_us;
    int64_t beat_us; /* newest heartbeat behind which everything is in the batch; 0: none */
    char marker[64]; /* an awaited marker ends the batch */
    struct position marker_at;
};

static bool stopping(struct apply *a)
{
    pthread_mutex_lock(&a->lock);
    bool yes = a->stopping;
    pthread_mutex_unlock(&a->lock);
    return yes;
}

static bool copy_ended(struct apply *a)
{
    pthread_mutex_lock(&a->lock);
    bool yes = a->copy_ended;
    pthread_mutex_unlock(&a->lock);
    return yes;
}

static void add_xid(uint64_t **list, size_t *count, size_t *cap, uint64_t xid)
{
    if (*count && (*list)[*count - 1] == xid)
        return;
    if (*count == *cap) {
        *cap = *cap ? *cap * 2 : 256;
        *list = mem_resize(*list, *cap * sizeof(**list));
    }
    (*list)[(*count)++] = xid;
}

static void clear_batch(struct apply *a)
{
    bool copied = copy_ended(a);
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

static bool batch_empty(const struct apply *a)
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
    a->skip_transaction = change->position.order < a->applied.order;
    if (a->partial.order && change->position.order == a->partial.order)
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
    if (batch_empty(a)) {
        a->batch_strict = a->transaction_strict;
        a->first_change_us = clock_us();
    }
    if (a->count == a->cap) {
        a->cap = a->cap ? a->cap * 2 : 1024;
        a->changes = mem_resize(a->changes, a->cap * sizeof(*a->changes));
    }
    a->changes[a->count++] = (struct batch_change){.data = data, .len = (uint32_t)len};
    add_xid(&a->xids, &a->nxids, &a->xids_cap, a->transaction_xid);
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
    if (!batch_empty(a))
        return TOOK_NOT;
    if (skips(a))
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
    if (!batch_empty(a) && a->batch_strict != a->transaction_strict) {
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

static struct awaited *find_marker(struct apply *a, const char *text)
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
    bool awaited = find_marker(a, change->marker) != NULL;
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
    return batch_empty(a) && !a->beat_us && a->applied.order == a->stored.order;
}

/* Gathers a batch until it is full, a marker ends it, or it is time; an eager one also ends when the spool is empty.
 * Only one that is full cuts a transaction in two: what is deferrable need not hold in the middle of one. SC_RETRY:
 * nothing came by then. */
static enum sc_result gather(struct apply *a, int64_t until_us, bool eager, struct sc_error *err)
{
    for (;;) {
        enum took took = TOOK;
        eager = eager || copy_ended(a);
        bool cut = a->in_transaction && !batch_empty(a) && clock_us() < until_us + REST_MS * 1000;
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
        if (stopping(a))
            return error_set(err, SC_STOP, "stopped");
        bool late = clock_us() >= until_us || (eager && result == SC_RETRY);
        cut = (cut && a->in_transaction) || a->pending.parts;
        if (late && !cut && (result == SC_RETRY || !batch_empty(a)))
            return nothing_to_flush(a) ? SC_RETRY : SC_OK;
    }
}

/* --- applying
 * ------------------------------------------------------------------------------------------------------------ */

static void batch_is_in(struct apply *a, bool commit)
{
    struct migration *m = a->config.ops->migration(a->config.target);
    if (commit) {
        m->applied = a->applied;
        m->partial = a->partial;
        m->partial_changes = a->partial_changes;
        a->stored = a->applied;
        a->config.source_ops->confirm(a->config.source, &a->applied);
    }
    for (size_t i = 0; i < a->nxids; i++)
        add_xid(&a->turn_xids, &a->nturn, &a->turn_cap, a->xids[i]);
    pthread_mutex_lock(&a->lock);
    a->stats.changes += a->count;
    a->stats.batches += a->count > 0;
    a->stats.operations += a->one_by_one ? a->count : fold_keys(a->fold);
    a->stats.applied = a->applied;
    if (a->beat_us) {
        int gone = 0;
        while (gone < a->nbeats && a->beats[gone] <= a->beat_us)
            gone++;
        memmove(a->beats, a->beats + gone, (size_t)(a->nbeats - gone) * sizeof(a->beats[0]));
        a->nbeats -= gone;
        a->beat_lag_us = clock_us() - a->beat_us;
    }
    if (a->marker[0]) {
        struct awaited *marker = find_marker(a, a->marker);
        if (marker)
            marker->arrived = true;
    }
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    clear_batch(a);
}

/* A connection lost at COMMIT leaves it open whether the batch is in; the checkpoint in the database tells. */
static enum sc_result is_in_already(struct apply *a, bool *in, struct sc_error *err)
{
    enum sc_result result = a->config.ops->checkpoint_load(a->session, err);
    if (result != SC_OK)
        return result;
    const struct migration *m = a->config.ops->migration(a->config.target);
    *in = m->applied.order == a->applied.order && m->partial.order == a->partial.order &&
          m->partial_changes == a->partial_changes;
    return SC_OK;
}

static struct batch batch_of(struct apply *a)
{
    return (struct batch){
        .changes = a->changes,
        .count = a->count,
        .fold = a->one_by_one ? NULL : a->fold,
        .strict = a->batch_strict,
        .applied = a->applied,
        .partial = a->partial,
        .partial_changes = a->partial_changes,
        .copying = !copy_ended(a),
        .settled = a->settled,
        .settled_repairs = a->settled_repairs,
        .xids = a->xids,
        .nxids = a->nxids,
    };
}

static enum sc_result apply_whole(struct apply *a, struct session *session, bool commit, struct sc_error *err)
{
    struct batch batch = batch_of(a);
    return a->config.ops->apply(session, &batch, commit, err);
}

/* Once a part may be in, there is no way back to applying the batch as a whole. */
static enum sc_result apply_parts(struct apply *a, struct sc_error *err)
{
    struct batch batch = batch_of(a);
    if (!batch.fold)
        return error_set(err, SC_FAIL, "a batch that was begun in parts cannot be folded any more");
    if (!a->parts)
        a->parts = parts_new(a->config.ops, a->config.target);
    enum sc_result result = parts_run(a->parts, a->session, &batch, &a->pending, err);
    if (result == SC_OK)
        result = a->config.ops->parts_end(a->session, &batch, err);
    if (result == SC_OK)
        a->pending.parts = 0;
    return result;
}

/* Sets a->pending when the batch should be applied in parts. */
static enum sc_result decide_parts(struct apply *a, struct sc_error *err)
{
    if (a->pending.parts || a->config.parts < 2 || !copy_ended(a) || a->one_by_one || a->count < PARTS_FROM)
        return SC_OK;
    int steps = 0;
    enum sc_result result = a->config.ops->parts_steps(a->session, a->batch_strict, &steps, err);
    if (result == SC_OK && steps > 0)
        a->pending = (struct parts_cut){.parts = a->config.parts < PARTS_MOST ? a->config.parts : PARTS_MOST,
                                        .steps = steps,
                                        .last = a->last,
                                        .last_changes = a->last_changes};
    return result;
}

/* Runs `step` on the apply's own session until it succeeds, fails for good, or has been failing for too long. */
static enum sc_result with_retries(struct apply *a, const char *what,
                                   enum sc_result (*step)(struct apply *, struct sc_error *), struct sc_error *err)
{
    struct backoff backoff;
    backoff_init(&backoff, 50, 5000);
    int64_t give_up = clock_us() + a->config.give_up_ms * 1000;
    for (;;) {
        enum sc_result result = SC_OK;
        if (!a->session)
            result = a->config.ops->session_open(a->config.target, "apply", &a->session, err);
        if (result == SC_OK)
            result = step(a, err);
        if (result != SC_RETRY)
            return result;
        if (stopping(a))
            return error_set(err, SC_STOP, "stopped");
        if (clock_us() > give_up)
            return result;
        log_warn("%s: %s; trying again", what, err->what);
        a->config.ops->session_close(a->session);
        a->session = NULL;
        a->asked_again = true;
        clock_sleep_ms(backoff_next_ms(&backoff));
    }
}

static enum sc_result commit_batch(struct apply *a, struct sc_error *err)
{
    bool in = false;
    enum sc_result result = a->asked_again ? is_in_already(a, &in, err) : SC_OK;
    if (in)
        a->pending.parts = 0;
    if (result == SC_OK && !in)
        result = decide_parts(a, err);
    if (result == SC_OK && !in)
        result = a->pending.parts ? apply_parts(a, err) : apply_whole(a, a->session, true, err);
    return result;
}

static enum sc_result store_fence(struct apply *a, struct sc_error *err)
{
    return a->config.ops->fence_store(a->session, &a->marker_at, err);
}

static bool marker_is_fence(struct apply *a)
{
    if (!a->marker[0] || a->fence.order)
        return false;
    pthread_mutex_lock(&a->lock);
    const struct awaited *marker = find_marker(a, a->marker);
    bool fence = marker && marker->fence && marker->repairs == a->config.ops->repairs(a->config.target);
    pthread_mutex_unlock(&a->lock);
    return fence;
}

/* A marker from behind the copy has come back: what the copy saw, and what was read from the source before the marker
 * was written, is not ahead of the log any more. */
static void settle(struct apply *a)
{
    if (!a->marker[0])
        return;
    pthread_mutex_lock(&a->lock);
    const struct awaited *marker = find_marker(a, a->marker);
    if (marker && marker->fence) {
        a->settled = true;
        a->settled_repairs = marker->repairs;
    }
    pthread_mutex_unlock(&a->lock);
}

/* Applies what was gathered. With `drain` it goes into that session's open transaction. */
static enum sc_result flush(struct apply *a, struct session *drain, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    if (!batch_empty(a) || a->applied.order != a->stored.order) {
        a->asked_again = false;
        result = drain ? apply_whole(a, drain, false, err) : with_retries(a, "apply", commit_batch, err);
    }
    if (result == SC_OK && !drain)
        settle(a);
    if (result == SC_OK && !drain && marker_is_fence(a)) {
        result = with_retries(a, "fence", store_fence, err);
        if (result == SC_OK) {
            a->fence = a->marker_at;
            a->config.ops->migration(a->config.target)->fence = a->fence;
            pthread_mutex_lock(&a->lock);
            a->stats.fenced = true;
            pthread_mutex_unlock(&a->lock);
        }
    }
    if (result == SC_OK)
        batch_is_in(a, !drain);
    return result;
}

/* --- taking turns with the copy
 * ------------------------------------------------------------------------------------------ */

static enum sc_result ask_visible(struct apply *a, struct sc_error *err)
{
    return a->config.ops->visible(a->session, a->turn_xids, a->nturn, &a->turn_visible, err);
}

/* Rule 2: the copy may go on only when everything that was applied can be seen by its next snapshot. */
static enum sc_result wait_visible(struct apply *a, struct sc_error *err)
{
    int64_t start = clock_us(), told = start;
    struct backoff backoff;
    backoff_init(&backoff, 2, 200);
    a->turn_visible = a->nturn == 0;
    while (!a->turn_visible) {
        enum sc_result result = with_retries(a, "apply", ask_visible, err);
        if (result != SC_OK)
            return result;
        if (a->turn_visible)
            break;
        if (stopping(a))
            return error_set(err, SC_STOP, "stopped");
        pthread_mutex_lock(&a->lock);
        a->stats.waiting_visible = true;
        pthread_mutex_unlock(&a->lock);
        if (clock_us() - told > 10000000) {
            told = clock_us();
            log_warn(
                "the copy waits: the log has delivered a commit that no query can see yet (a synchronous standby that "
                "does not answer does this). Nothing is lost; it goes on by itself.");
        }
        clock_sleep_ms(backoff_next_ms(&backoff));
    }
    a->nturn = 0;
    pthread_mutex_lock(&a->lock);
    a->stats.waiting_visible = false;
    pthread_mutex_unlock(&a->lock);
    return SC_OK;
}

static enum sc_result build_key_index(struct apply *a, struct sc_error *err)
{
    return a->config.ops->key_index_build(a->session, err);
}

/* Builds the key index if there is something to apply and it is worth it now. */
static enum sc_result need_key_index(struct apply *a, struct sc_error *err)
{
    int64_t since = clock_us();
    while (!copy_ended(a) && clock_us() - since < KEY_INDEX_AFTER_MS * 1000) {
        struct spool_stats spool;
        spool_stats(a->config.spool, &spool);
        if (spool.disk_bytes > 0)
            break;
        if (stopping(a))
            return error_set(err, SC_STOP, "stopped");
        clock_sleep_ms(POLL_MS);
    }
    if (!gate_enter_apply(a->config.gate))
        return error_set(err, SC_STOP, "stopped");
    enum sc_result result = with_retries(a, "key index", build_key_index, err);
    gate_leave_apply(a->config.gate);
    return result;
}

/* One turn: the batch that is there, and what else comes at once. */
static enum sc_result turn(struct apply *a, struct sc_error *err)
{
    bool copying = !copy_ended(a);
    if (!batch_empty(a) && !a->config.ops->key_index_ready(a->config.target)) {
        enum sc_result result = need_key_index(a, err);
        if (result != SC_OK)
            return result;
        copying = !copy_ended(a);
    }
    if (!copying || batch_empty(a)) {
        a->nturn = 0;
        return flush(a, NULL, err);
    }
    if (!gate_enter_apply(a->config.gate))
        return error_set(err, SC_STOP, "stopped");
    int64_t end = clock_us() + a->config.turn_ms * 1000;
    enum sc_result result = flush(a, NULL, err);
    while (result == SC_OK && clock_us() < end) {
        result = gather(a, 0, true, err);
        if (result == SC_OK)
            result = flush(a, NULL, err);
    }
    if (result == SC_RETRY)
        result = SC_OK;
    if (result == SC_OK)
        result = wait_visible(a, err);
    gate_leave_apply(a->config.gate);
    return result;
}

static bool park_if_asked(struct apply *a)
{
    pthread_mutex_lock(&a->lock);
    if (a->park && !a->stopping) {
        a->parked = true;
        pthread_cond_broadcast(&a->changed);
        while (a->park && !a->stopping)
            pthread_cond_wait(&a->changed, &a->lock);
        a->parked = false;
    }
    bool go_on = !a->stopping;
    pthread_mutex_unlock(&a->lock);
    return go_on;
}

static enum sc_result load_pending(struct apply *a, struct sc_error *err)
{
    return a->config.ops->parts_pending(a->session, &a->pending, err);
}

static void *run(void *arg)
{
    struct apply *a = arg;
    struct sc_error err;
    error_init(&err);
    enum sc_result result = with_retries(a, "apply", load_pending, &err);
    if (result == SC_OK && a->pending.parts)
        log_info("a batch of changes had been applied in part; going on with it");
    while (result == SC_OK && (a->pending.parts || park_if_asked(a))) {
        int64_t apart_ms = copy_ended(a) ? 0 : a->config.turn_ms * TURNS_APART;
        int64_t wait_ms = apart_ms ? apart_ms : POLL_MS;
        result = gather(a, clock_us() + wait_ms * 1000, apart_ms == 0, &err);
        if (result == SC_OK)
            result = turn(a, &err);
        else if (result == SC_RETRY)
            result = SC_OK;
    }
    pthread_mutex_lock(&a->lock);
    a->ended = true;
    a->result = result;
    a->err = err;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* --- the other threads' side
 * --------------------------------------------------------------------------------------------- */

enum sc_result apply_start(const struct apply_config *config, struct apply **out, struct sc_error *err)
{
    struct apply *a = mem_alloc(sizeof(*a));
    a->config = *config;
    a->nonce = (uint64_t)clock_wall_us();
    a->beat_lag_us = -1;
    const struct migration *m = config->ops->migration(config->target);
    a->applied = a->stored = m->applied;
    a->partial = m->partial;
    a->partial_changes = m->partial_changes;
    a->fence = m->fence;
    a->stats.applied = m->applied;
    a->stats.fenced = m->fence.order != 0;
    config->ops->row_shape(config->target, &a->shape);
    if (a->shape.key_bytewise)
        a->fold = fold_new(a->shape.key, a->shape.nkey, a->shape.ncolumns);
    pthread_mutex_init(&a->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&a->changed, &attr);
    pthread_condattr_destroy(&attr);
    clear_batch(a);
    int failed = pthread_create(&a->thread, NULL, run, a);
    if (failed) {
        apply_stop(a);
        return error_set(err, SC_FAIL, "cannot start the thread that applies: error %d", failed);
    }
    a->started = true;
    *out = a;
    return SC_OK;
}

enum sc_result apply_check(struct apply *a, struct sc_error *err)
{
    pthread_mutex_lock(&a->lock);
    enum sc_result result = a->ended ? a->result : SC_OK;
    if (result != SC_OK && err)
        *err = a->err;
    pthread_mutex_unlock(&a->lock);
    return result;
}

void apply_stats(struct apply *a, struct apply_stats *out)
{
    pthread_mutex_lock(&a->lock);
    *out = a->stats;
    int64_t lag_us = a->beat_lag_us;
    if (a->nbeats > 0 && clock_us() - a->beats[0] > lag_us)
        lag_us = clock_us() - a->beats[0];
    out->lag_ms = lag_us < 0 ? -1 : lag_us / 1000;
    out->lag_proven = a->beat_lag_us >= 0;
    pthread_mutex_unlock(&a->lock);
}

void apply_copy_ended(struct apply *a)
{
    pthread_mutex_lock(&a->lock);
    a->copy_ended = true;
    pthread_mutex_unlock(&a->lock);
}

void apply_heartbeat(struct apply *a, char *text, int size)
{
    int64_t now = clock_us();
    snprintf(text, (size_t)size, "beat %" PRIx64 " %" PRId64, a->nonce, now);
    pthread_mutex_lock(&a->lock);
    if (a->nbeats < HEARTBEATS)
        a->beats[a->nbeats++] = now;
    pthread_mutex_unlock(&a->lock);
}

void apply_expect(struct apply *a, const char *text, bool fence)
{
    pthread_mutex_lock(&a->lock);
    struct awaited *slot = find_marker(a, text);
    for (int i = 0; i < MARKERS && !slot; i++)
        if (!a->markers[i].text[0])
            slot = &a->markers[i];
    if (!slot) { /* all are in use by markers nobody waits for any more */
        memmove(a->markers, a->markers + 1, sizeof(a->markers) - sizeof(a->markers[0]));
        slot = &a->markers[MARKERS - 1];
    }
    *slot = (struct awaited){.fence = fence, .repairs = a->config.ops->repairs(a->config.target)};
    snprintf(slot->text, sizeof(slot->text), "%s", text);
    pthread_mutex_unlock(&a->lock);
}

static struct timespec in_ms(int timeout_ms)
{
    int64_t us = clock_us() + (int64_t)timeout_ms * 1000;
    return (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
}

enum sc_result apply_wait_marker(struct apply *a, const char *text, int timeout_ms, struct sc_error *err)
{
    struct timespec until = in_ms(timeout_ms);
    pthread_mutex_lock(&a->lock);
    struct awaited *marker = find_marker(a, text);
    int timed_out = 0;
    while (marker && !marker->arrived && !a->ended && !timed_out) {
        timed_out = pthread_cond_timedwait(&a->changed, &a->lock, &until);
        marker = find_marker(a, text);
    }
    enum sc_result result = SC_RETRY;
    if (marker && marker->arrived) {
        *marker = (struct awaited){0};
        result = SC_OK;
    } else if (a->ended && a->result != SC_OK) {
        result = a->result;
        *err = a->err;
    }
    pthread_mutex_unlock(&a->lock);
    return result;
}

enum sc_result apply_park(struct apply *a, int timeout_ms, struct sc_error *err)
{
    struct timespec until = in_ms(timeout_ms);
    pthread_mutex_lock(&a->lock);
    a->park = true;
    pthread_cond_broadcast(&a->changed);
    int timed_out = 0;
    while (!a->parked && !a->ended && !timed_out)
        timed_out = pthread_cond_timedwait(&a->changed, &a->lock, &until);
    enum sc_result result = SC_OK;
    if (a->ended) {
        result = a->result == SC_OK ? SC_STOP : a->result;
        *err = a->err;
    } else if (!a->parked) {
        a->park = false;
        result = error_set(err, SC_RETRY, "the batch being applied did not end within %d ms", timeout_ms);
    }
    pthread_mutex_unlock(&a->lock);
    return result;
}

void apply_unpark(struct apply *a)
{
    pthread_mutex_lock(&a->lock);
    a->park = false;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

enum sc_result apply_drain(struct apply *a, struct session *session, const char *marker, int timeout_ms,
                           struct sc_error *err)
{
    int64_t deadline = clock_us() + (int64_t)timeout_ms * 1000;
    for (;;) {
        enum sc_result result = gather(a, deadline, true, err);
        if (result == SC_OK) {
            bool last = strcmp(a->marker, marker) == 0;
            result = flush(a, session, err);
            if (result == SC_OK && last)
                return SC_OK;
        }
        if (result != SC_OK && result != SC_RETRY)
            return result;
        if (clock_us() >= deadline)
            return error_set(err, SC_RETRY, "what was still to be applied did not get done within %d ms", timeout_ms);
    }
}

void apply_stop(struct apply *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->stopping = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    if (a->started)
        pthread_join(a->thread, NULL);
    a->config.ops->session_close(a->session);
    parts_free(a->parts);
    fold_free(a->fold);
    buf_fini(&a->held);
    buf_fini(&a->record);
    arena_fini(&a->arena);
    arena_fini(&a->decoded);
    mem_free(a->changes);
    mem_free(a->xids);
    mem_free(a->turn_xids);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    mem_free(a);
}
