#include "cdc/audit/pump.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/plant.h"
#include "cdc/audit/streams.h"

/* Where nothing was sent, a place further on is worth less than writing it down, which moves the log on, too. */
enum { QUIET_TIMES = 10 };
/* With transactions of Kafka: so much of the log goes into one, at least. */
enum { COMMIT_MS = 200 };
enum { TAKE_MS = 50, POLL_MS = 5, STORE_AGAIN_MS = 500 };
/* What is under way when it is stopped is worth a moment: whatever is not known to be there is sent again. */
enum { LAST_MS = 1000 };
enum { BEHIND = 64 }; /* so many steps in what is told of how far it is behind */

struct audit_pump {
    struct audit_pump_config config;
    struct audit_streams *streams;
    size_t count; /* of tables */
    pthread_t thread;
    atomic_bool stopping, cut_off;
    struct unacknowledged {
        uint64_t sent;     /* with it and before it */
        int64_t commit_us; /* of the oldest transaction in it */
    } behind[BEHIND];      /* the oldest first; the last takes in what there is no room for */
    size_t behind_count;

    /* The thread's: states, of each table, that are stored as soon as all of them is acknowledged. */
    struct audit_state *waiting;
    uint64_t waiting_sent; /* what the sink had taken by then */
    bool waits;
    int64_t stored_us, store_again_us;
    int64_t commit_us; /* of the transaction that is being taken */
    bool in_transaction;
    uint64_t sent_before;          /* what the sink had taken when it began */
    int64_t committed_us, beat_us; /* when Kafka's last transaction was committed, and the last sign of life sent */
    /* The newest marker; and one that stays until all before it was acknowledged, however many come meanwhile. */
    struct marker {
        char text[AUDIT_MARKER_TEXT];
        uint64_t sent; /* before it */
    } newest, awaited;
    bool at_end; /* nothing more is taken */

    pthread_mutex_t lock; /* of what is below */
    struct audit_pump_stats stats;
    int64_t behind_us; /* when the oldest transaction was committed that is not acknowledged; 0: there is none */
    char end[AUDIT_MARKER_TEXT];
    bool ended; /* and all before it is acknowledged and stored */
    struct sc_error failure;
};

static enum sc_result send(void *arg, const struct audit_message *message, struct sc_error *err)
{
    struct audit_pump *p = arg;
    return audit_sink_send(p->config.sink, message, err);
}

/* --- what is kept
 * ----------------------------------------------------------------------------------------------------------- */

/* All tables stand at the same place of the log. */
static uint64_t place(const struct audit_pump *p)
{
    return audit_streams_state(p->streams, 0)->position.order;
}

/* What had been sent at that place, at most: of a transaction that is under way nothing is before it. */
static uint64_t sent_there(const struct audit_pump *p)
{
    return p->in_transaction ? p->sent_before : audit_sink_sent(p->config.sink);
}

/* The states behind a whole transaction, if it is time to keep them. */
static void propose(struct audit_pump *p)
{
    if (p->waits || place(p) == p->waiting[0].position.order)
        return;
    uint64_t sent = sent_there(p);
    bool quiet = sent == p->waiting_sent;
    int64_t after_us = p->config.store_ms * (quiet ? QUIET_TIMES : 1) * 1000;
    if (!p->at_end && clock_us() - p->stored_us < after_us)
        return;
    for (size_t i = 0; i < p->count; i++) {
        const struct audit_state *now = audit_streams_state(p->streams, i);
        struct audit_hash *heads = p->waiting[i].heads;
        memcpy(heads, now->heads, (size_t)now->partitions * sizeof(*heads));
        p->waiting[i] = *now;
        p->waiting[i].heads = heads;
    }
    p->waiting_sent = sent;
    p->waits = true;
}

static enum sc_result keep(struct audit_pump *p, struct sc_error *err)
{
    uint64_t acknowledged =
        PLANTED(E1_STORED_BEFORE_ACKNOWLEDGED) ? UINT64_MAX : audit_sink_acknowledged(p->config.sink);
    if (!p->waits || acknowledged < p->waiting_sent || clock_us() < p->store_again_us)
        return SC_OK;
    enum sc_result result = p->config.store(p->config.store_arg, p->waiting, err);
    p->stored_us = clock_us();
    if (result == SC_RETRY) { /* nothing depends on it before the next restart */
        log_debug("audit: where it stands cannot be stored now: %s", err->what);
        p->store_again_us = p->stored_us + STORE_AGAIN_MS * 1000;
        return SC_OK;
    }
    if (result != SC_OK)
        return result;
    p->waits = false;
    pthread_mutex_lock(&p->lock);
    p->stats.stored = p->waiting[0].position;
    pthread_mutex_unlock(&p->lock);
    return SC_OK;
}

/* --- the thread
 * ------------------------------------------------------------------------------------------------------------ */

static void note_end(struct audit_pump *p)
{
    pthread_mutex_lock(&p->lock);
    p->at_end = p->end[0] && strcmp(p->end, p->newest.text) == 0;
    pthread_mutex_unlock(&p->lock);
}

static void mark(struct audit_pump *p, const char *text)
{
    snprintf(p->newest.text, sizeof(p->newest.text), "%s", text);
    p->newest.sent = audit_sink_sent(p->config.sink);
    if (!p->awaited.text[0])
        p->awaited = p->newest;
    note_end(p);
}

static void pass_markers(struct audit_pump *p)
{
    uint64_t acknowledged = audit_sink_acknowledged(p->config.sink);
    if (!p->awaited.text[0] || acknowledged < p->awaited.sent)
        return;
    if (acknowledged >= p->newest.sent)
        p->awaited = p->newest;
    pthread_mutex_lock(&p->lock);
    memcpy(p->stats.passed, p->awaited.text, sizeof(p->stats.passed));
    pthread_mutex_unlock(&p->lock);
    if (strcmp(p->awaited.text, p->newest.text) == 0)
        p->awaited.text[0] = 0;
    else
        p->awaited = p->newest;
}

static void look_for_end(struct audit_pump *p)
{
    if (!p->at_end || p->waits || audit_sink_acknowledged(p->config.sink) < p->newest.sent)
        return;
    bool stored = place(p) == p->waiting[0].position.order;
    pthread_mutex_lock(&p->lock);
    p->ended = stored && strcmp(p->end, p->newest.text) == 0;
    pthread_mutex_unlock(&p->lock);
}

/* A transaction was taken whole. */
static void fall_behind(struct audit_pump *p)
{
    uint64_t sent = audit_sink_sent(p->config.sink);
    if (p->behind_count > 0 && p->behind[p->behind_count - 1].sent == sent)
        return; /* it sent nothing */
    if (p->behind_count == BEHIND)
        p->behind[BEHIND - 1].sent = sent;
    else if (sent > audit_sink_acknowledged(p->config.sink))
        p->behind[p->behind_count++] = (struct unacknowledged){.sent = sent, .commit_us = p->commit_us};
}

static enum sc_result take(struct audit_pump *p, const void *record, size_t len, struct arena *arena,
                           struct sc_error *err)
{
    struct change change;
    arena_reset(arena);
    enum sc_result result = change_decode(arena, record, len, &change, err);
    if (result == SC_OK)
        result = audit_streams_take(p->streams, &change, err);
    if (result != SC_OK)
        return result;
    if (change.kind == CHANGE_BEGIN) {
        p->commit_us = change.commit_us;
        p->in_transaction = true;
        p->sent_before = audit_sink_sent(p->config.sink);
    } else if (change.kind == CHANGE_MARKER) {
        mark(p, change.marker);
    } else if (change.kind == CHANGE_COMMIT) {
        p->in_transaction = false;
        fall_behind(p);
        propose(p);
    }
    return SC_OK;
}

/* Kafka's transactions end behind the database's. What goes on is the reader's queue; waiting is worth it only when
 * there is nothing to take, or enough was sent. */
static enum sc_result commit(struct audit_pump *p, bool idle, struct sc_error *err)
{
    if (p->in_transaction || !audit_sink_uncommitted(p->config.sink) ||
        (!idle && !p->config.commit_each && clock_us() - p->committed_us < COMMIT_MS * 1000))
        return SC_OK;
    enum sc_result result = audit_sink_commit(p->config.sink, err);
    p->committed_us = clock_us();
    return result;
}

static enum sc_result beat(struct audit_pump *p, struct sc_error *err)
{
    const struct audit_heartbeat *h = &p->config.heartbeat;
    int64_t now = clock_us();
    if (h->every_ms == 0 || p->in_transaction || atomic_load(&p->cut_off) || now - p->beat_us < h->every_ms * 1000)
        return SC_OK;
    p->beat_us = now;
    return audit_heartbeat_send(h, p->config.sink, clock_wall_us(), err);
}

static enum sc_result step(struct audit_pump *p, struct arena *arena, struct sc_error *err)
{
    const void *record;
    size_t len;
    note_end(p); /* it may have been taken back */
    enum sc_result result = p->at_end ? SC_RETRY : spool_take(p->config.spool, &record, &len, TAKE_MS, err);
    bool idle = result == SC_RETRY;
    if (idle) {
        propose(p); /* it may have been too early for the last one */
        result = SC_OK;
    } else if (result == SC_OK) {
        result = take(p, record, len, arena, err);
    }
    if (result == SC_OK)
        result = beat(p, err);
    if (result == SC_OK)
        result = commit(p, idle, err);
    if (p->at_end)
        clock_sleep_ms(POLL_MS);
    if (result == SC_OK)
        result = audit_sink_tick(p->config.sink, err);
    if (result == SC_OK)
        result = keep(p, err);
    pass_markers(p);
    look_for_end(p);
    return result;
}

static void note_progress(struct audit_pump *p)
{
    uint64_t acknowledged = audit_sink_acknowledged(p->config.sink);
    size_t there = 0;
    while (there < p->behind_count && p->behind[there].sent <= acknowledged)
        there++;
    p->behind_count -= there;
    memmove(p->behind, p->behind + there, p->behind_count * sizeof(p->behind[0]));
    pthread_mutex_lock(&p->lock);
    p->stats.messages = audit_streams_messages(p->streams);
    p->behind_us = p->behind_count > 0 ? p->behind[0].commit_us : 0;
    pthread_mutex_unlock(&p->lock);
}

/* Nothing more is taken: what was waiting for it is kept, and then the newest. */
static void keep_all(struct audit_pump *p)
{
    struct sc_error err;
    p->store_again_us = 0;
    keep(p, &err);
    p->waits = false;
    p->stored_us = 0;
    propose(p);
    /* A connection that was lost is known to be by the first try; it is opened again by the second. */
    for (int i = 0; i < 2 && p->waits; i++) {
        p->store_again_us = 0;
        if (keep(p, &err) != SC_OK)
            return;
    }
}

static bool all_there(const struct audit_pump *p)
{
    return audit_sink_acknowledged(p->config.sink) >= audit_sink_sent(p->config.sink);
}

static void wait_for_last(struct audit_pump *p)
{
    int64_t until_us = clock_us() + LAST_MS * 1000;
    while (audit_sink_tick(p->config.sink, NULL) == SC_OK && !all_there(p) && clock_us() < until_us)
        clock_sleep_ms(POLL_MS);
}

/* A change that cannot be written is no reason to send again what is before it. With transactions of Kafka, one that
 * has a part of what cannot be written is given up whole: nothing of it is waited for. */
static void drain(struct audit_pump *p)
{
    struct sc_error err;
    int64_t began_us = clock_us();
    p->in_transaction = audit_sink_sent(p->config.sink) > sent_there(p);
    bool given_up = commit(p, true, &err) != SC_OK || audit_sink_uncommitted(p->config.sink);
    while (!given_up && !atomic_load(&p->stopping) && clock_us() - began_us < p->config.drain_ms * 1000 &&
           audit_sink_tick(p->config.sink, &err) == SC_OK && !all_there(p))
        clock_sleep_ms(POLL_MS);
    keep_all(p);
    pthread_mutex_lock(&p->lock);
    p->stats.drained = place(p) == p->stats.stored.order;
    pthread_mutex_unlock(&p->lock);
}

static void *run(void *arg)
{
    struct audit_pump *p = arg;
    struct arena arena = {0};
    struct sc_error err;
    error_init(&err);
    enum sc_result result = SC_OK;
    while (result == SC_OK && !atomic_load(&p->stopping)) {
        note_progress(p);
        result = step(p, &arena, &err);
    }
    if (result == SC_OK || result == SC_STOP) {
        struct sc_error ignored;
        if (commit(p, true, &ignored) == SC_OK)
            wait_for_last(p);
        keep_all(p);
    } else {
        drain(p);
        error_wrap(&err, "audit");
        pthread_mutex_lock(&p->lock);
        p->failure = err;
        pthread_mutex_unlock(&p->lock);
    }
    arena_fini(&arena);
    return NULL;
}

/* --- from outside
 * ---------------------------------------------------------------------------------------------------------- */

static void pump_free(struct audit_pump *p)
{
    audit_streams_free(p->streams);
    pthread_mutex_destroy(&p->lock);
    for (size_t i = 0; i < p->count; i++)
        mem_free(p->waiting[i].heads);
    mem_free(p->waiting);
    mem_free(p);
}

enum sc_result audit_pump_start(const struct audit_pump_config *config, struct audit_pump **out, struct sc_error *err)
{
    *out = NULL;
    struct audit_pump *p = mem_alloc(sizeof(*p));
    p->config = *config;
    p->config.stream.send = send;
    p->config.stream.arg = p;
    p->count = config->stream.ntables;
    p->streams = audit_streams_new(&p->config.stream, config->from);
    p->waiting = mem_array(p->count, sizeof(*p->waiting));
    for (size_t i = 0; i < p->count; i++) {
        p->waiting[i] = config->from[i];
        p->waiting[i].heads = mem_array((size_t)config->from[i].partitions, sizeof(struct audit_hash));
    }
    p->stats.stored = config->from[0].position;
    p->stats.messages = audit_streams_messages(p->streams);
    p->stored_us = clock_us();
    snprintf(p->end, sizeof(p->end), "%s", config->end ? config->end : "");
    error_init(&p->failure);
    pthread_mutex_init(&p->lock, NULL);
    /* Signals are the main thread's. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&p->thread, NULL, run, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        pump_free(p);
        return error_set(err, SC_FAIL, "cannot start the thread of the audit: %s", strerror(failed));
    }
    *out = p;
    return SC_OK;
}

void audit_pump_stop(struct audit_pump *p)
{
    if (!p)
        return;
    atomic_store(&p->stopping, true);
    pthread_join(p->thread, NULL);
    pump_free(p);
}

enum sc_result audit_pump_check(struct audit_pump *p, struct sc_error *err)
{
    pthread_mutex_lock(&p->lock);
    enum sc_result result = p->failure.result;
    if (result != SC_OK)
        *err = p->failure;
    pthread_mutex_unlock(&p->lock);
    return result;
}

void audit_pump_stats(struct audit_pump *p, struct audit_pump_stats *out)
{
    pthread_mutex_lock(&p->lock);
    *out = p->stats;
    int64_t lag_us = p->behind_us ? clock_wall_us() - p->behind_us : 0;
    out->lag_ms = lag_us > 0 ? lag_us / 1000 : 0;
    pthread_mutex_unlock(&p->lock);
}

void audit_pump_cut_off(struct audit_pump *p, bool is)
{
    atomic_store(&p->cut_off, is);
}

void audit_pump_end(struct audit_pump *p, const char *marker)
{
    pthread_mutex_lock(&p->lock);
    snprintf(p->end, sizeof(p->end), "%s", marker ? marker : "");
    p->ended = false;
    pthread_mutex_unlock(&p->lock);
}

enum sc_result audit_pump_ended(struct audit_pump *p, struct sc_error *err)
{
    enum sc_result result = audit_pump_check(p, err);
    pthread_mutex_lock(&p->lock);
    bool ended = p->ended;
    pthread_mutex_unlock(&p->lock);
    if (result != SC_OK || ended)
        return result;
    return error_set(err, SC_RETRY, "the audit has not come to its end yet");
}
