#include "applier/apply.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/fold.h"
#include "applier/gather.h"
#include "applier/join.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/plant.h"

/* While chunks are copied, changes are gathered for so many turns before the copy is held up for them. */
#define TURNS_APART 4
/* Without an index on the ghost's key nothing can be applied. It is built when the copy has ended, when changes begin
 * to pile up on disk, or after this long. */
#define KEY_INDEX_AFTER_MS 30000
/* The log gives each transaction in one piece; so long a batch waits for the rest of one. */
#define REST_MS 5000
/* A smaller batch is not worth the round trips of parts. */
#define PARTS_FROM 2000

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
        FAILPOINT_PASS(apply_before_confirm);
        a->config.durable(a->config.durable_arg, &a->applied);
    }
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
        struct awaited *marker = gather_find_marker(a, a->marker);
        if (marker)
            marker->arrived = true;
    }
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    gather_clear(a);
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
        .copying = !apply_copied(a),
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
    FAILPOINT(result, apply_parts_before_end, err);
    if (result == SC_OK)
        result = a->config.ops->parts_end(a->session, &batch, err);
    FAILPOINT(result, apply_parts_ended, err);
    if (result == SC_OK)
        a->pending.parts = 0;
    return result;
}

/* Sets a->pending when the batch should be applied in parts. */
static enum sc_result decide_parts(struct apply *a, struct sc_error *err)
{
    if (a->pending.parts || a->config.parts < 2 || !apply_copied(a) || a->one_by_one || a->count < PARTS_FROM)
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
        if (apply_stopping(a))
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
    enum sc_result result = SC_OK;
    FAILPOINT(result, fence_before_store, err);
    if (result == SC_OK)
        result = a->config.ops->fence_store(a->session, &a->marker_at, err);
    FAILPOINT(result, fence_stored, err);
    return result;
}

static bool marker_is_fence(struct apply *a)
{
    if (!a->marker[0] || a->fence.order)
        return false;
    pthread_mutex_lock(&a->lock);
    const struct awaited *marker = gather_find_marker(a, a->marker);
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
    const struct awaited *marker = gather_find_marker(a, a->marker);
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
    if (!gather_empty(a) || a->applied.order != a->stored.order) {
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
    a->visible = a->nxids == 0 || PLANTED(A1_NO_VISIBILITY_CHECK);
    return a->visible ? SC_OK : a->config.ops->visible(a->session, a->xids, a->nxids, &a->visible, err);
}

/* Rule 2: nothing is applied before the next chunk's snapshot can see it. Before, and not behind it: the checkpoint
 * outlives this process, and who goes on from there knows nothing of what it waited for. */
static enum sc_result wait_visible(struct apply *a, struct sc_error *err)
{
    int64_t start = clock_us(), told = start;
    struct backoff backoff;
    backoff_init(&backoff, 2, 200);
    enum sc_result result = SC_OK;
    while (!apply_copied(a)) {
        result = with_retries(a, "apply", ask_visible, err);
        if (result == SC_OK && !a->visible && apply_stopping(a))
            result = error_set(err, SC_STOP, "stopped");
        if (result != SC_OK || a->visible)
            break;
        pthread_mutex_lock(&a->lock);
        a->stats.waiting_visible = true;
        pthread_mutex_unlock(&a->lock);
        if (clock_us() - told > 10000000) {
            told = clock_us();
            log_warn(
                "changes wait: the log has delivered a commit that no query can see yet (a synchronous standby that "
                "does not answer does this). Nothing is lost; it goes on by itself.");
        }
        clock_sleep_ms(backoff_next_ms(&backoff));
    }
    pthread_mutex_lock(&a->lock);
    a->stats.waiting_visible = false;
    pthread_mutex_unlock(&a->lock);
    return result;
}

static enum sc_result build_key_index(struct apply *a, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    FAILPOINT(result, key_index_begin, err);
    return result == SC_OK ? a->config.ops->key_index_build(a->session, err) : result;
}

/* Builds the key index if there is something to apply and it is worth it now. */
static enum sc_result need_key_index(struct apply *a, struct sc_error *err)
{
    int64_t since = clock_us();
    while (!apply_copied(a) && clock_us() - since < KEY_INDEX_AFTER_MS * 1000) {
        struct spool_stats spool;
        spool_stats(a->config.spool, &spool);
        if (spool.disk_bytes > 0)
            break;
        if (apply_stopping(a))
            return error_set(err, SC_STOP, "stopped");
        clock_sleep_ms(POLL_MS);
    }
    if (!gate_enter_apply(a->config.gate))
        return error_set(err, SC_STOP, "stopped");
    enum sc_result result = with_retries(a, "key index", build_key_index, err);
    gate_leave_apply(a->config.gate);
    return result;
}

/* Applies what else is there at once. What cannot be seen yet is left for the next turn. */
static enum sc_result apply_more(struct apply *a, int64_t until_us, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    while (result == SC_OK && clock_us() < until_us) {
        result = gather(a, 0, clock_us() + REST_MS * 1000, true, err);
        if (result == SC_RETRY)
            return SC_OK;
        if (result == SC_OK)
            result = with_retries(a, "apply", ask_visible, err);
        if (result == SC_OK && !a->visible)
            return SC_OK;
        if (result == SC_OK)
            result = flush(a, NULL, err);
    }
    return result;
}

/* One turn: the batch that is there, and what else comes at once. */
static enum sc_result turn(struct apply *a, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    if (!gather_empty(a) && !a->config.ops->key_index_ready(a->config.target))
        result = need_key_index(a, err);
    if (result != SC_OK)
        return result;
    if (apply_copied(a) || gather_empty(a))
        return flush(a, NULL, err);
    result = wait_visible(a, err);
    if (result != SC_OK)
        return result;
    FAILPOINT_PASS(apply_batch_begin);
    if (!gate_enter_apply(a->config.gate))
        return error_set(err, SC_STOP, "stopped");
    int64_t end = clock_us() + a->config.turn_ms * 1000;
    result = flush(a, NULL, err);
    if (result == SC_OK)
        result = apply_more(a, end, err);
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
        int64_t apart_ms = apply_copied(a) ? 0 : a->config.turn_ms * TURNS_APART;
        int64_t wait_ms = apart_ms ? apart_ms : POLL_MS;
        int64_t now = clock_us();
        /* A batch that could not be seen yet is there still. */
        if (gather_empty(a))
            result = gather(a, now + wait_ms * 1000, now + (wait_ms + REST_MS) * 1000, apart_ms == 0, &err);
        if (result == SC_OK && !gather_empty(a))
            FAILPOINT_PASS(apply_batch_gathered);
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
    if (a->shape.folds)
        a->fold = fold_new(a->shape.key, a->shape.nkey, a->shape.ncolumns);
    pthread_mutex_init(&a->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&a->changed, &attr);
    pthread_condattr_destroy(&attr);
    gather_clear(a);
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

bool apply_heartbeat_age(struct apply *a, const char *text, int64_t *age_ms)
{
    uint64_t nonce;
    int64_t beat;
    if (sscanf(text, "beat %" SCNx64 " %" SCNd64, &nonce, &beat) != 2 || nonce != a->nonce)
        return false;
    *age_ms = (clock_us() - beat) / 1000;
    return true;
}

void apply_expect(struct apply *a, const char *text, bool fence)
{
    pthread_mutex_lock(&a->lock);
    struct awaited *slot = gather_find_marker(a, text);
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
    struct awaited *marker = gather_find_marker(a, text);
    int timed_out = 0;
    while (marker && !marker->arrived && !a->ended && !timed_out) {
        timed_out = pthread_cond_timedwait(&a->changed, &a->lock, &until);
        marker = gather_find_marker(a, text);
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
        enum sc_result result = gather(a, deadline, deadline, true, err);
        if (result == SC_OK) {
            bool last = strcmp(a->marker, marker) == 0;
            result = flush(a, PLANTED(D2_DRAIN_ON_ANOTHER_SESSION) ? NULL : session, err);
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
        join_workers(a->config.ops, a->config.target, &a->thread, 1);
    a->config.ops->session_close(a->session);
    parts_free(a->parts);
    fold_free(a->fold);
    buf_fini(&a->held);
    buf_fini(&a->record);
    arena_fini(&a->arena);
    arena_fini(&a->decoded);
    mem_free(a->changes);
    mem_free(a->xids);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    mem_free(a);
}
