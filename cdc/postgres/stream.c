/* The reader: one thread that owns the replication connection.
 *
 * It asks nothing of the database while it streams, so nothing there can hold it up: it takes what the server sends,
 * puts it into the spool, and answers in time, also while the spool is full. What it confirms is what the consumer said
 * is durable, nothing else: a keepalive's position is never confirmed by itself. When the table is idle while the rest
 * of the server writes, an empty transaction is put instead (feed_advance()); once the consumer has stored that
 * checkpoint it is confirmed, and the server can let go of its log. So the slot never runs ahead of the stored
 * checkpoint, and a slot that does was moved by somebody else (correctness C2).
 *
 * A server that shuts down waits until everything it sent is confirmed, but by then nobody can commit there any more.
 * It asks for a reply again and again; the reader takes the hint, leaves, and comes back.
 *
 * Messages inside CopyBoth: manual, "Streaming Replication Protocol". */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/reader.h"
#include "cdc/postgres/feed.h"
#include "cdc/postgres/pgoutput.h"
#include "cdc/postgres/postgres.h"
#include "cdc/postgres/walsender.h"

/* PostgreSQL's clock starts at 2000-01-01. */
#define EPOCH_2000_US INT64_C(946684800000000)
/* The consumer moved so far: tell at once instead of with the next status. */
#define CONFIRM_NOW_BYTES (UINT64_C(16) << 20)

enum {
    STATUS_INTERVAL_MS = 1000,
    GIVE_UP_MS = 300000,
    /* Every so many statuses the server is asked for a reply: proof of life, and its position. */
    STATUSES_A_QUESTION = 10,
    /* Nothing at all came for this long, though asked: connect again. Doubled each time, because a server that decodes
     * a long transaction of other tables is silent and would start from its beginning. */
    SILENCE_MS = 75000,
    SILENCE_MAX_MS = 3600000,
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MAX_MS = 10000,
    GOOD_AFTER_MS = 30000, /* a connection that held so long was a good one */
    LAST_WORDS_MS = 2000,  /* for the server to take the last confirmation */
    SHUTDOWN_WINDOW_MS = 2000,
    SHUTDOWN_REQUESTS = 20,
    MESSAGES_A_TURN = 256,
    PING_EVERY_MS = 5000,
};

struct source {
    struct source_config config; /* strings owned */
    struct pg_server server;     /* strings are config's */
    struct spool *spool;
    pthread_t thread;
    bool started;
    int wake_fd;
    atomic_bool stopping;
    atomic_uint_fast64_t durable; /* from confirm() */
    atomic_uint_fast64_t told;    /* as last told to the server */

    pthread_mutex_t lock;
    struct source_stats stats; /* guarded */

    /* The thread's own. */
    struct pg_conn *conn;
    struct pgoutput pgoutput;
    struct feed feed;
    struct arena arena;
    uint64_t settled; /* no idle advance before the server's log as it was when we came: see advance_if_idle() */
    uint64_t written; /* received, as told to the server */
    uint64_t server_end;
    uint64_t server_at; /* outside a transaction: all before this was received */
    uint64_t bytes;
    int64_t pinged_at;
    int64_t status_at, question_at, heard_at, opened_at, good_at, advanced_at;
    int64_t silence_ms;
    int64_t requests_from;
    int requests;       /* for a reply, since requests_from */
    bool unpublished;   /* the server said that it passes changes over */
    bool flush_pending; /* libpq holds bytes that the socket did not take */
    uint64_t progress;  /* puts, when the connection was opened */
};

static bool stopping(struct source *s)
{
    return atomic_load(&s->stopping);
}

static struct position position_of(uint64_t lsn)
{
    struct position p = {.order = lsn};
    if (lsn)
        pg_lsn_format(lsn, p.text);
    return p;
}

/* --- what others see --- */

static void publish(struct source *s)
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

static void set_state(struct source *s, bool connected, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void set_state(struct source *s, bool connected, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&s->lock);
    s->stats.connected = connected;
    vsnprintf(s->stats.state, sizeof(s->stats.state), format, args);
    pthread_mutex_unlock(&s->lock);
    va_end(args);
}

/* --- talking to the server --- */

static enum sc_result lost(struct source *s, struct sc_error *err)
{
    return walsender_failed(&s->config, s->conn, NULL, err);
}

static enum sc_result flush(struct source *s, struct sc_error *err)
{
    int left = PQflush(s->conn->pg);
    s->flush_pending = left > 0;
    return left < 0 ? lost(s, err) : SC_OK;
}

/* Standby status update. `question`: the server is to answer with a keepalive. */
static enum sc_result send_status(struct source *s, bool question, struct sc_error *err)
{
    int64_t now = clock_us();
    uint64_t durable = atomic_load(&s->durable);
    struct buf b = {0};
    buf_u8(&b, 'r');
    buf_u64(&b, s->written > durable ? s->written : durable);
    buf_u64(&b, durable); /* flushed */
    buf_u64(&b, durable); /* applied */
    buf_u64(&b, (uint64_t)(clock_wall_us() - EPOCH_2000_US));
    buf_u8(&b, question);
    s->status_at = now;
    if (question)
        s->question_at = now;
    int sent = PQputCopyData(s->conn->pg, b.data, (int)b.len);
    buf_fini(&b);
    if (sent < 0)
        return lost(s, err);
    if (sent > 0)
        atomic_store(&s->told, durable);
    return flush(s, err);
}

static enum sc_result status_if_due(struct source *s, struct sc_error *err)
{
    int64_t now = clock_us(), interval_us = s->config.status_interval_ms * 1000;
    bool moved = atomic_load(&s->durable) - atomic_load(&s->told) >= CONFIRM_NOW_BYTES;
    if (!moved && now - s->status_at < interval_us)
        return SC_OK;
    return send_status(s, now - s->question_at >= STATUSES_A_QUESTION * interval_us, err);
}

/* A server that shuts down waits until all it has to send is taken; here that could wait for a consumer who waits for
 * the server. Asked now and then, and never of a server that is well: it answers a new connection. */
static bool server_goes_down(struct source *s)
{
    int64_t now = clock_us();
    if (now - s->pinged_at < (int64_t)PING_EVERY_MS * 1000)
        return false;
    s->pinged_at = now;
    const char *keywords[] = {"connect_timeout", "dbname", "application_name", NULL};
    const char *values[] = {"3", s->config.url, s->config.application, NULL};
    return PQpingParams(keywords, values, 1) == PQPING_REJECT;
}

/* While the spool is full: nothing is taken from the server, but it is told that we live. A failure shows when we read
 * on. */
static void while_spool_is_full(void *arg)
{
    struct source *s = arg;
    struct sc_error ignored;
    if (s->conn && server_goes_down(s)) {
        pg_close(s->conn); /* stream() sees it when the change is in */
        s->conn = NULL;
    }
    if (s->conn && pg_alive(s->conn))
        status_if_due(s, &ignored);
    s->heard_at = s->good_at = clock_us(); /* it is not the server that is silent */
    publish(s);
    if (stopping(s))
        spool_stop(s->spool); /* nobody takes from it, and waiting for that would be for ever */
}

/* --- what the server says --- */

static enum sc_result take_data(struct source *s, struct reader *r, struct sc_error *err)
{
    read_u64(r); /* where the message begins: what matters is in it */
    uint64_t end = read_u64(r);
    read_u64(r); /* the server's clock */
    if (!reader_ok(r))
        return error_set(err, SC_FAIL, "the server sent a piece of its log without a whole header");
    if (end > s->server_end)
        s->server_end = end;
    struct pgoutput_message message;
    enum sc_result result = pgoutput_decode(&s->pgoutput, &s->arena, r->p, reader_left(r), &message, err);
    if (result == SC_OK && message.ours)
        result = feed_take(&s->feed, &message, err);
    arena_reset(&s->arena);
    if (result == SC_OK && message.ours && message.change.kind == CHANGE_COMMIT) {
        uint64_t at = message.change.position.order;
        if (at > s->server_at)
            s->server_at = at;
        if (at > s->written)
            s->written = at;
        if (at > s->server_end)
            s->server_end = at;
    }
    return result;
}

static enum sc_result take_keepalive(struct source *s, struct reader *r, struct sc_error *err)
{
    uint64_t end = read_u64(r);
    read_u64(r);
    bool reply = read_u8(r) != 0;
    if (!reader_ok(r))
        return error_set(err, SC_FAIL, "the server sent a keepalive that is too short");
    if (end > s->server_end)
        s->server_end = end;
    /* Within a transaction the position may lie behind changes that are still to come. */
    if (!s->feed.in_transaction && end > s->server_at)
        s->server_at = end;
    if (!s->feed.in_transaction && end > s->written)
        s->written = end;
    if (!reply)
        return SC_OK;
    int64_t now = clock_us();
    if (now - s->requests_from > (int64_t)SHUTDOWN_WINDOW_MS * 1000) {
        s->requests_from = now;
        s->requests = 0;
    }
    if (++s->requests > SHUTDOWN_REQUESTS && atomic_load(&s->durable) < end)
        return error_set(err, SC_RETRY, "the server seems to be shutting down");
    return send_status(s, false, err);
}

static enum sc_result take_message(struct source *s, const char *data, size_t len, struct sc_error *err)
{
    struct reader r = reader_of(data, len);
    char kind = (char)read_u8(&r);
    switch (kind) {
    case 'w':
        return take_data(s, &r, err);
    case 'k':
        return take_keepalive(s, &r, err);
    }
    return error_set(err, SC_FAIL, "the server sent a message of unknown kind 0x%02x within the stream",
                     (unsigned char)kind);
}

/* From 18 on a publication that is gone is a warning, and the server passes the table's changes over; before, it is an
 * error. */
static void on_notice(void *arg, const PGresult *res)
{
    struct source *s = arg;
    const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    bool warning = severity && strcmp(severity, "WARNING") == 0;
    if (warning && state && strcmp(state, "55000") == 0)
        s->unpublished = true;
    if (warning)
        log_warn("reader: %s", message ? message : "");
    else
        log_debug("reader: %s", message ? message : "");
}

static enum sc_result publication_gone(struct source *s, struct sc_error *err)
{
    error_set(err, SC_REFUSE, "publication %s does not exist any more: the server passes the table's changes over",
              s->config.publication);
    return error_hint(
        err, "Changes that this migration has not seen can no longer be read, so it cannot be completed. The source "
             "table is untouched. Abort the migration and start it again.");
}

/* The stream has ended by the server's doing; its reason is in the next result. */
static enum sc_result ended(struct source *s, struct sc_error *err)
{
    PGresult *res = PQgetResult(s->conn->pg);
    enum sc_result result;
    if (res && PQresultStatus(res) == PGRES_FATAL_ERROR)
        result = walsender_failed(&s->config, s->conn, res, err);
    else
        result = error_set(err, SC_RETRY, "the server ended the stream");
    PQclear(res);
    return result;
}

/* Takes what has arrived, but not for ever: statuses have to go out in between. */
static enum sc_result take_arrived(struct source *s, bool *more, struct sc_error *err)
{
    *more = true;
    for (int i = 0; i < MESSAGES_A_TURN; i++) {
        char *data = NULL;
        int len = PQgetCopyData(s->conn->pg, &data, 1);
        if (s->unpublished) { /* notices come in their place between the messages */
            PQfreemem(data);
            return publication_gone(s, err);
        }
        if (len == 0) {
            *more = false;
            return SC_OK;
        }
        if (len == -1)
            return ended(s, err);
        if (len < 0)
            return lost(s, err);
        s->bytes += (uint64_t)len;
        s->heard_at = clock_us();
        enum sc_result result = take_message(s, data, (size_t)len, err);
        PQfreemem(data);
        if (result == SC_OK && !s->conn)
            result = error_set(err, SC_RETRY, "the server is shutting down");
        if (result != SC_OK)
            return result;
    }
    return SC_OK;
}

/* A transaction that the consumer has applied in part may be coming again; an empty one put before it would move the
 * checkpoint past the note of that part. So nothing is put until everything that was in the log when we came has been
 * received. */
static enum sc_result advance_if_idle(struct source *s, struct sc_error *err)
{
    const struct feed *f = &s->feed;
    if (f->in_transaction || f->cut || s->server_at <= f->received.order || s->server_at < s->settled)
        return SC_OK;
    if (atomic_load(&s->durable) < f->put_end)
        return SC_OK;
    int64_t now = clock_us(), interval_us = s->config.status_interval_ms * 1000;
    bool far = s->server_at - f->put_end >= CONFIRM_NOW_BYTES;
    if (now - s->advanced_at < (far ? interval_us : STATUSES_A_QUESTION * interval_us))
        return SC_OK;
    s->advanced_at = now;
    enum sc_result result = feed_advance(&s->feed, s->server_at, err);
    return result == SC_OK && !s->conn ? error_set(err, SC_RETRY, "the server is shutting down") : result;
}

/* --- the loop --- */

static void clear_wake(struct source *s)
{
    uint64_t count;
    while (read(s->wake_fd, &count, sizeof(count)) > 0)
        ;
}

static enum sc_result wait_for_more(struct source *s, struct sc_error *err)
{
    int64_t due_us = s->status_at + s->config.status_interval_ms * 1000 - clock_us();
    int timeout_ms = due_us <= 0 ? 0 : (int)((due_us + 999) / 1000);
    struct pollfd p[2] = {
        {.fd = PQsocket(s->conn->pg), .events = (short)(POLLIN | (s->flush_pending ? POLLOUT : 0))},
        {.fd = s->wake_fd, .events = POLLIN},
    };
    if (poll(p, 2, timeout_ms) < 0 && errno != EINTR)
        return error_set(err, SC_FAIL, "cannot wait for the server: %s", strerror(errno));
    if (p[1].revents)
        clear_wake(s);
    if (p[0].revents && PQconsumeInput(s->conn->pg) != 1)
        return lost(s, err);
    return s->flush_pending ? flush(s, err) : SC_OK;
}

static enum sc_result stream(struct source *s, struct sc_error *err)
{
    while (!stopping(s)) {
        bool more = false;
        enum sc_result result = take_arrived(s, &more, err);
        if (result == SC_OK)
            result = advance_if_idle(s, err);
        if (result == SC_OK)
            result = status_if_due(s, err);
        publish(s);
        if (result == SC_OK && !more)
            result = wait_for_more(s, err);
        if (result != SC_OK)
            return result;
        int64_t now = clock_us();
        if (now - s->heard_at > s->silence_ms * 1000) {
            s->silence_ms = s->silence_ms * 2 > SILENCE_MAX_MS ? SILENCE_MAX_MS : s->silence_ms * 2;
            return error_set(err, SC_RETRY, "nothing was heard of the server for %" PRId64 " s",
                             (now - s->heard_at) / 1000000);
        }
        if (s->feed.received.order + s->feed.changes > s->progress ||
            now - s->opened_at > (int64_t)GOOD_AFTER_MS * 1000)
            s->good_at = now;
    }
    return error_set(err, SC_STOP, "stopped");
}

static enum sc_result open_stream(struct source *s, struct sc_error *err)
{
    struct walsender_info info = {0};
    struct position at = s->feed.received;
    enum sc_result result = walsender_open(&s->config, &s->server, &at, &info, &s->conn, err);
    if (result != SC_OK)
        return result;
    PQsetNoticeReceiver(s->conn->pg, on_notice, s);
    int64_t now = clock_us();
    if (!s->settled) {
        s->settled = info.server_end;
        s->config.system_identifier = info.system_identifier;
        s->config.timeline = info.timeline;
        feed_init(&s->feed, s->spool, &at, while_spool_is_full, s);
        atomic_store(&s->durable, at.order);
        atomic_store(&s->told, at.order);
        s->written = s->server_at = at.order;
        s->silence_ms = SILENCE_MS;
        s->good_at = now;
    }
    if (info.server_end > s->server_end)
        s->server_end = info.server_end;
    pgoutput_reset(&s->pgoutput);
    s->opened_at = s->heard_at = s->question_at = s->advanced_at = now;
    s->status_at = 0;
    s->requests = 0;
    s->flush_pending = false;
    s->progress = s->feed.received.order + s->feed.changes;
    log_info("reading the log from %s", at.text);
    set_state(s, true, "streaming");
    publish(s);
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
    while (!stopping(s)) {
        int64_t left_ms = (until - clock_us() + 999) / 1000;
        if (left_ms <= 0)
            return;
        struct pollfd p = {.fd = s->wake_fd, .events = POLLIN};
        if (poll(&p, 1, (int)left_ms) > 0)
            clear_wake(s);
    }
}

/* Opens the stream again. SC_RETRY never: gives up as SC_FAIL. */
static enum sc_result reopen(struct source *s, struct backoff *backoff, struct sc_error *err)
{
    while (!stopping(s)) {
        int64_t now = clock_us();
        if (now - s->good_at > s->config.give_up_ms * 1000) {
            error_wrap(err, "no stream from the server for %" PRId64 " s", (now - s->good_at) / 1000000);
            error_hint(err, "Nothing is lost: the replication slot keeps the log. Run the same command again when the "
                            "server can be "
                            "reached.");
            return err->result = SC_FAIL;
        }
        int64_t ms = backoff_next_ms(backoff);
        set_state(s, false, "reconnecting in %.1f s: %.100s", (double)ms / 1000, err->what);
        rest(s, ms);
        if (stopping(s))
            break;
        set_state(s, false, "reconnecting");
        enum sc_result result = open_stream(s, err);
        if (result != SC_RETRY)
            return result;
        log_debug("reader: %s", err->what);
    }
    return error_set(err, SC_STOP, "stopped");
}

/* A last confirmation, and a proper end, so that the slot is free when we are gone. */
static void say_goodbye(struct source *s)
{
    struct sc_error ignored;
    PGconn *pg = s->conn->pg;
    if (send_status(s, false, &ignored) != SC_OK || PQputCopyEnd(pg, NULL) < 0)
        return;
    publish(s);
    int64_t until = clock_us() + (int64_t)LAST_WORDS_MS * 1000;
    bool in_copy = true;
    for (;;) {
        int left = PQflush(pg);
        char *data = NULL;
        int len = 0;
        while (in_copy && (len = PQgetCopyData(pg, &data, 1)) > 0)
            PQfreemem(data);
        if (len < 0)
            in_copy = false;
        while (!in_copy && !PQisBusy(pg)) {
            PGresult *res = PQgetResult(pg);
            if (!res)
                return;
            PQclear(res);
        }
        int64_t left_ms = (until - clock_us()) / 1000;
        struct pollfd p = {.fd = PQsocket(pg), .events = (short)(POLLIN | (left > 0 ? POLLOUT : 0))};
        if (left < 0 || left_ms <= 0 || poll(&p, 1, (int)left_ms) < 0 || PQconsumeInput(pg) != 1)
            return;
    }
}

static void *run(void *arg)
{
    struct source *s = arg;
    struct backoff backoff;
    backoff_init(&backoff, BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
    struct sc_error err;
    enum sc_result result;
    for (;;) {
        result = stream(s, &err);
        if (result != SC_RETRY)
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
            say_goodbye(s);
        set_state(s, false, "stopped");
    } else {
        set_state(s, false, "failed: %.140s", err.what);
        error_wrap(&err, "the log cannot be read on");
        spool_fail(s->spool, &err);
    }
    publish(s);
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
    mem_free(s);
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
    if (s->config.status_interval_ms <= 0)
        s->config.status_interval_ms = STATUS_INTERVAL_MS;
    if (s->config.give_up_ms <= 0)
        s->config.give_up_ms = GIVE_UP_MS;
    s->server = (struct pg_server){.url = (char *)(uintptr_t)s->config.url,
                                   .application = (char *)(uintptr_t)s->config.application,
                                   .timezone = (char *)(uintptr_t)s->config.timezone,
                                   .date_order = (char *)(uintptr_t)s->config.date_order};
    s->pgoutput.table_id = config->table_id;
    s->pgoutput.message_prefix = s->config.message_prefix;
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
    enum sc_result result = open_stream(s, err);
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
