/* The reader from outside: its thread, which opens the stream again whenever it is lost, and what others may ask. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "cdc/postgres/postgres.h"
#include "cdc/postgres/stream.h"
#include "cdc/postgres/walsender.h"
#include "cdc/spool.h"

enum {
    STATUS_INTERVAL_MS = 1000,
    GIVE_UP_MS = 300000,
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MAX_MS = 10000,
};

static struct position position_of(uint64_t lsn)
{
    struct position p = {.order = lsn};
    if (lsn)
        pg_lsn_format(lsn, p.text);
    return p;
}

/* --- what others see --- */

void stream_publish(struct source *s)
{
    pthread_mutex_lock(&s->lock);
    s->stats.bytes = s->bytes;
    s->stats.transactions = s->feed.transactions;
    s->stats.changes = s->feed.changes;
    s->stats.received = s->feed.received;
    s->stats.server_end = position_of(s->server_end);
    s->stats.confirmed = position_of(atomic_load(&s->told));
    pthread_mutex_unlock(&s->lock);
}

void stream_state(struct source *s, bool connected, bool full, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&s->lock);
    s->stats.connected = connected;
    s->stats.full = full;
    vsnprintf(s->stats.state, sizeof(s->stats.state), format, args);
    pthread_mutex_unlock(&s->lock);
    va_end(args);
}

/* --- the thread --- */

static enum sc_result open_stream(struct source *s, struct sc_error *err)
{
    struct walsender_info info = {0};
    struct position at = s->feed.received;
    enum sc_result result = walsender_open(&s->config, &s->server, &at, &info, &s->conn, err);
    if (result != SC_OK)
        return result;
    PQsetNoticeReceiver(s->conn->pg, stream_notice, s);
    int64_t now = clock_us();
    if (!s->settled) {
        s->settled = info.server_end;
        s->config.system_identifier = info.system_identifier;
        s->config.timeline = info.timeline;
        feed_init(&s->feed, s->spool, s->pgoutput.ntables, &at, stream_while_full, s);
        s->feed.end_marker = s->config.end_marker;
        atomic_store(&s->durable, at.order);
        atomic_store(&s->told, at.order);
        s->written = s->server_at = at.order;
        silence_init(&s->silence, now);
        s->good_at = now;
    }
    if (info.server_end > s->server_end)
        s->server_end = info.server_end;
    pgoutput_reset(&s->pgoutput);
    s->opened_at = s->question_at = s->advanced_at = now;
    s->status_at = 0;
    silence_heard(&s->silence, now);
    s->requests = 0;
    s->flush_pending = false;
    s->progress = s->feed.received.order + s->feed.changes;
    log_info("reading the log from %s", at.text);
    stream_state(s, true, false, "streaming");
    stream_publish(s);
    return SC_OK;
}

static void close_stream(struct source *s)
{
    pg_close(s->conn);
    s->conn = NULL;
    feed_lost(&s->feed);
}

/* Waits, or until told to stop. */
static void rest(struct source *s, int64_t ms)
{
    int64_t until = clock_us() + ms * 1000;
    while (!stream_stopping(s)) {
        int64_t left_ms = (until - clock_us() + 999) / 1000;
        if (left_ms <= 0)
            return;
        struct pollfd p = {.fd = s->wake_fd, .events = POLLIN};
        if (poll(&p, 1, (int)left_ms) > 0)
            stream_clear_wake(s);
    }
}

/* Opens the stream again. SC_RETRY: given up. */
static enum sc_result reopen(struct source *s, struct backoff *backoff, struct sc_error *err)
{
    while (!stream_stopping(s)) {
        int64_t now = clock_us();
        if (now - s->good_at > s->config.give_up_ms * 1000) {
            error_wrap(err, "no stream from the server for %" PRId64 " s", (now - s->good_at) / 1000000);
            error_hint(err, "Nothing is lost: the replication slot keeps the log. Run the same command again when the "
                            "server can be "
                            "reached.");
            return err->result = SC_RETRY;
        }
        int64_t ms = backoff_next_ms(backoff);
        stream_state(s, false, false, "reconnecting in %.1f s: %.100s", (double)ms / 1000, err->what);
        rest(s, ms);
        if (stream_stopping(s))
            break;
        stream_state(s, false, false, "reconnecting");
        enum sc_result result = SC_OK;
        FAILPOINT(result, reader_before_reconnect, err);
        if (result == SC_OK)
            result = open_stream(s, err);
        if (result != SC_RETRY)
            return result;
        log_debug("reader: %s", err->what);
    }
    return error_set(err, SC_STOP, "stopped");
}

static void *run(void *arg)
{
    struct source *s = arg;
    struct backoff backoff;
    backoff_init(&backoff, BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
    struct sc_error err;
    enum sc_result result;
    for (;;) {
        result = stream_run(s, &err);
        if (result != SC_RETRY || s->no_room)
            break;
        if (s->good_at > s->opened_at)
            backoff_reset(&backoff);
        log_warn("reader: %s; connecting again", err.what);
        close_stream(s);
        result = reopen(s, &backoff, &err);
        if (result != SC_OK)
            break;
        pthread_mutex_lock(&s->lock);
        s->stats.reconnects++;
        pthread_mutex_unlock(&s->lock);
    }
    if (result == SC_STOP) {
        if (s->conn)
            stream_goodbye(s);
        stream_state(s, false, false, "stopped");
    } else {
        stream_state(s, false, false, "failed: %.140s", err.what);
        error_wrap(&err, "the log cannot be read on");
        pthread_mutex_lock(&s->lock);
        s->stats.failure = err;
        pthread_mutex_unlock(&s->lock);
        spool_fail(s->spool, &err);
    }
    stream_publish(s);
    pg_close(s->conn);
    s->conn = NULL;
    return NULL;
}

/* --- from outside --- */

static void wake(struct source *s)
{
    uint64_t one = 1;
    ssize_t written = write(s->wake_fd, &one, sizeof(one));
    (void)written; /* full means awake */
}

static void source_free(struct source *s)
{
    feed_fini(&s->feed);
    pgoutput_fini(&s->pgoutput);
    arena_fini(&s->arena);
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    pthread_mutex_destroy(&s->lock);
    mem_free((void *)(uintptr_t)s->config.url);
    mem_free((void *)(uintptr_t)s->config.application);
    mem_free((void *)(uintptr_t)s->config.slot);
    mem_free((void *)(uintptr_t)s->config.publication);
    mem_free((void *)(uintptr_t)s->config.message_prefix);
    mem_free((void *)(uintptr_t)s->config.timezone);
    mem_free((void *)(uintptr_t)s->config.date_order);
    mem_free((void *)(uintptr_t)s->config.end_marker);
    mem_free(s);
}

static void init_pgoutput(struct source *s, const struct source_config *config)
{
    uint32_t *ids = mem_array(config->ntables, sizeof(*ids));
    for (size_t i = 0; i < config->ntables; i++)
        ids[i] = config->tables[i].id;
    pgoutput_init(&s->pgoutput, ids, config->ntables, s->config.message_prefix);
    mem_free(ids);
}

static struct source *source_new(const struct source_config *config, struct spool *spool)
{
    struct source *s = mem_alloc(sizeof(*s));
    s->spool = spool;
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&s->lock, NULL);
    s->config = *config;
    s->config.url = mem_strdup(config->url);
    s->config.application = mem_strdup(config->application);
    s->config.slot = mem_strdup(config->slot);
    s->config.publication = mem_strdup(config->publication);
    s->config.message_prefix = mem_strdup(config->message_prefix);
    s->config.timezone = mem_strdup(config->timezone);
    s->config.date_order = mem_strdup(config->date_order);
    s->config.end_marker = mem_strdup(config->end_marker);
    if (s->config.status_interval_ms <= 0)
        s->config.status_interval_ms = STATUS_INTERVAL_MS;
    if (s->config.give_up_ms <= 0)
        s->config.give_up_ms = GIVE_UP_MS;
    s->server = (struct pg_server){.url = (char *)(uintptr_t)s->config.url,
                                   .application = (char *)(uintptr_t)s->config.application,
                                   .timezone = (char *)(uintptr_t)s->config.timezone,
                                   .date_order = (char *)(uintptr_t)s->config.date_order,
                                   .stop = &s->stopping};
    s->config.tables = NULL; /* pgoutput has their numbers, which is all that is asked for here */
    s->config.ntables = 0;
    init_pgoutput(s, config);
    s->feed.received = config->start;
    return s;
}

static enum sc_result source_start(const struct source_config *config, struct spool *spool, struct source **out,
                                   struct sc_error *err)
{
    *out = NULL;
    struct source *s = source_new(config, spool);
    if (s->wake_fd < 0) {
        source_free(s);
        return error_set(err, SC_FAIL, "cannot make an eventfd: %s", strerror(errno));
    }
    enum sc_result result = SC_OK;
    FAILPOINT(result, reader_before_start, err);
    if (result == SC_OK)
        result = open_stream(s, err);
    if (result != SC_OK) {
        source_free(s);
        return result;
    }
    /* Signals are the main thread's. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&s->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        pg_close(s->conn);
        source_free(s);
        return error_set(err, SC_FAIL, "cannot start the thread that reads the log: %s", strerror(failed));
    }
    s->started = true;
    *out = s;
    return SC_OK;
}

static void source_confirm(struct source *s, const struct position *upto)
{
    uint64_t was = atomic_load(&s->durable);
    while (upto->order > was && !atomic_compare_exchange_weak(&s->durable, &was, upto->order))
        ;
    if (upto->order > was && upto->order - atomic_load(&s->told) >= CONFIRM_NOW_BYTES)
        wake(s);
}

static void source_stats(struct source *s, struct source_stats *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->stats;
    pthread_mutex_unlock(&s->lock);
}

static void source_stop(struct source *s)
{
    if (!s)
        return;
    atomic_store(&s->stopping, true);
    wake(s);
    if (s->started)
        pthread_join(s->thread, NULL);
    source_free(s);
}

const struct source_ops postgres_source = {
    .start = source_start,
    .confirm = source_confirm,
    .stats = source_stats,
    .stop = source_stop,
};
