/* The reader from outside: its thread, which opens the stream again whenever it is lost, and what others may ask. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "cdc/mysql/mysql.h"
#include "cdc/mysql/stream.h"
#include "cdc/spool.h"

enum {
    STATUS_INTERVAL_MS = 1000,
    GIVE_UP_MS = 300000,
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MAX_MS = 10000,
};

/* --- what others see --- */

void my_stream_publish(struct source *s)
{
    pthread_mutex_lock(&s->lock);
    s->stats.bytes = s->bytes;
    s->stats.transactions = s->feed.transactions;
    s->stats.changes = s->feed.changes;
    s->stats.received = s->feed.received;
    s->stats.server_end = s->server_end;
    pthread_mutex_unlock(&s->lock);
}

void my_stream_state(struct source *s, bool connected, bool full, const char *format, ...)
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

/* Nothing is taken from the server meanwhile. If it ends the stream because of that, it is opened again where we are.
 */
void my_stream_while_full(void *arg)
{
    struct source *s = arg;
    s->good_at = clock_us();
    if (!s->stats.full) /* nobody else writes it */
        my_stream_state(s, true, true, "the spool is full; the rest waits in the server's log");
    my_stream_publish(s);
    if (my_stream_stopping(s))
        spool_stop(s->spool); /* nobody takes from it, and waiting for that would be for ever */
}

/* --- the thread --- */

/* Waits, or until told to stop. */
static void rest(struct source *s, int64_t ms)
{
    int64_t until = clock_us() + ms * 1000;
    while (!my_stream_stopping(s)) {
        int64_t left_ms = (until - clock_us() + 999) / 1000;
        if (left_ms <= 0)
            return;
        struct pollfd p = {.fd = s->wake_fd, .events = POLLIN};
        (void)poll(&p, 1, (int)left_ms);
    }
}

/* Opens the stream again. SC_RETRY: given up. */
static enum sc_result reopen(struct source *s, struct backoff *backoff, struct sc_error *err)
{
    while (!my_stream_stopping(s)) {
        int64_t now = clock_us();
        if (now - s->good_at > s->config.give_up_ms * 1000) {
            error_wrap(err, "no stream from the server for %" PRId64 " s", (now - s->good_at) / 1000000);
            error_hint(err, "Nothing is lost as long as the server keeps its binary log. Run the same command again "
                            "when the server can be reached.");
            return err->result = SC_RETRY;
        }
        int64_t ms = backoff_next_ms(backoff);
        my_stream_state(s, false, false, "reconnecting in %.1f s: %.100s", (double)ms / 1000, err->what);
        rest(s, ms);
        if (my_stream_stopping(s))
            break;
        my_stream_state(s, false, false, "reconnecting");
        enum sc_result result = SC_OK;
        FAILPOINT(result, reader_before_reconnect, err);
        if (result == SC_OK)
            result = my_stream_open(s, err);
        if (result != SC_RETRY)
            return result;
        log_debug("reader: %s", err->what);
    }
    return error_set(err, SC_STOP, "stopped");
}

static void failed(struct source *s, struct sc_error *err)
{
    my_stream_state(s, false, false, "failed: %.140s", err->what);
    error_wrap(err, "the log cannot be read on");
    pthread_mutex_lock(&s->lock);
    s->stats.failure = *err;
    pthread_mutex_unlock(&s->lock);
    spool_fail(s->spool, err);
}

static void *run(void *arg)
{
    struct source *s = arg;
    struct backoff backoff;
    backoff_init(&backoff, BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
    struct sc_error err;
    enum sc_result result;
    for (;;) {
        result = my_stream_run(s, &err);
        if (result != SC_RETRY || s->feed.no_room)
            break;
        if (s->good_at > s->opened_at)
            backoff_reset(&backoff);
        log_warn("reader: %s; connecting again", err.what);
        my_stream_close(s);
        result = reopen(s, &backoff, &err);
        if (result != SC_OK)
            break;
        pthread_mutex_lock(&s->lock);
        s->stats.reconnects++;
        pthread_mutex_unlock(&s->lock);
    }
    if (result == SC_STOP) {
        my_stream_state(s, false, false, "stopped");
        my_stream_goodbye(s);
    } else {
        failed(s, &err);
    }
    my_stream_publish(s);
    my_stream_close(s);
    mysql_thread_end();
    return NULL;
}

/* --- from outside --- */

static struct source_column *columns_copy(const struct source_column *columns, uint16_t ncolumns)
{
    if (!columns)
        return NULL;
    struct source_column *copy = mem_array(ncolumns, sizeof(*copy));
    for (uint16_t i = 0; i < ncolumns; i++)
        copy[i] = (struct source_column){.name = mem_strdup(columns[i].name),
                                         .type = mem_strdup(columns[i].type),
                                         .collation = mem_strdup(columns[i].collation),
                                         .optional = columns[i].optional};
    return copy;
}

static struct source_untold *untold_copy(const struct source_untold *untold, size_t count)
{
    struct source_untold *copy = mem_array(count + 1, sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        copy[i] = (struct source_untold){mem_strdup(untold[i].name), mem_strdup(untold[i].untold)};
    return copy;
}

static const char **names_copy(const char *const *names, size_t count)
{
    const char **copy = mem_array(count + 1, sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        copy[i] = mem_strdup(names[i]);
    return copy;
}

static bool *computed_copy(const bool *computed, uint16_t ncolumns)
{
    if (!computed)
        return NULL;
    bool *copy = mem_array(ncolumns, sizeof(*copy));
    memcpy(copy, computed, ncolumns * sizeof(*copy));
    return copy;
}

static struct source_table *tables_copy(const struct source_table *tables, size_t ntables)
{
    struct source_table *copy = mem_array(ntables, sizeof(*copy));
    for (size_t i = 0; i < ntables; i++)
        copy[i] = (struct source_table){.schema = mem_strdup(tables[i].schema),
                                        .name = mem_strdup(tables[i].name),
                                        .columns = columns_copy(tables[i].columns, tables[i].ncolumns),
                                        .ncolumns = tables[i].ncolumns,
                                        .computed = computed_copy(tables[i].computed, tables[i].ncolumns),
                                        .told = tables[i].told,
                                        .untold = untold_copy(tables[i].untold, tables[i].nuntold),
                                        .nuntold = tables[i].nuntold,
                                        .kept = names_copy(tables[i].kept, tables[i].nkept),
                                        .nkept = tables[i].nkept,
                                        .ruled = names_copy(tables[i].ruled, tables[i].nruled),
                                        .nruled = tables[i].nruled};
    return copy;
}

static void drop(const void *owned)
{
    mem_free((void *)(uintptr_t)owned);
}

static void drop_table(const struct source_table *t)
{
    for (uint16_t i = 0; t->columns && i < t->ncolumns; i++) {
        drop(t->columns[i].name);
        drop(t->columns[i].type);
        drop(t->columns[i].collation);
    }
    for (size_t i = 0; i < t->nuntold; i++) {
        drop(t->untold[i].name);
        drop(t->untold[i].untold);
    }
    for (size_t i = 0; i < t->nkept; i++)
        drop(t->kept[i]);
    for (size_t i = 0; i < t->nruled; i++)
        drop(t->ruled[i]);
    drop(t->untold);
    drop(t->kept);
    drop(t->ruled);
    drop(t->schema);
    drop(t->name);
    drop(t->columns);
    drop(t->computed);
}

static void source_free(struct source *s)
{
    my_feed_fini(&s->feed);
    my_xa_fini(&s->xa);
    arena_fini(&s->arena);
    my_tables_fini(s);
    my_going_on_fini(s);
    my_gtid_set_fini(&s->executed);
    my_domain_position_fini(&s->last);
    my_server_fini(&s->server);
    if (s->wake_fd >= 0)
        close(s->wake_fd);
    pthread_mutex_destroy(&s->lock);
    drop(s->config.application);
    drop(s->config.message_prefix);
    drop(s->config.marker_schema);
    drop(s->config.server_identity);
    drop(s->config.end_marker);
    for (size_t i = 0; i < s->config.ntables; i++)
        drop_table(&s->config.tables[i]);
    drop(s->config.tables);
    mem_free(s);
}

/* What this engine has no use for (slot, publication, ...) stays out. */
static struct source *source_new(const struct source_config *config, struct spool *spool)
{
    struct source *s = mem_alloc(sizeof(*s));
    s->spool = spool;
    s->socket = -1;
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&s->lock, NULL);
    s->config = (struct source_config){
        .application = mem_strdup(config->application ? config->application : "seachange"),
        .message_prefix = mem_strdup(config->message_prefix),
        .tables = tables_copy(config->tables, config->ntables),
        .ntables = config->ntables,
        .marker_schema = mem_strdup(config->marker_schema),
        .server_identity = mem_strdup(config->server_identity),
        .end_marker = mem_strdup(config->end_marker),
        .start = config->start,
        .goes_on = config->goes_on,
        .status_interval_ms = config->status_interval_ms > 0 ? config->status_interval_ms : STATUS_INTERVAL_MS,
        .give_up_ms = config->give_up_ms > 0 ? config->give_up_ms : GIVE_UP_MS};
    s->server = (struct my_server){
        .url = mem_strdup(config->url), .application = mem_strdup(s->config.application), .stop = &s->stopping};
    my_tables_init(s);
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
        result = my_stream_open(s, err);
    if (result != SC_OK) {
        source_free(s);
        return result;
    }
    /* Signals are the main thread's. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&s->thread, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        my_stream_close(s);
        source_free(s);
        return error_set(err, SC_FAIL, "cannot start the thread that reads the log: %s", strerror(error));
    }
    s->started = true;
    *out = s;
    return SC_OK;
}

static void source_confirm(struct source *s, const struct position *upto)
{
    pthread_mutex_lock(&s->lock);
    if (upto->order > s->stats.confirmed.order)
        s->stats.confirmed = *upto;
    pthread_mutex_unlock(&s->lock);
}

static void source_stats(struct source *s, struct source_stats *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->stats;
    pthread_mutex_unlock(&s->lock);
}

/* The thread may wait for the server: its socket is shut under it. */
static void source_stop(struct source *s)
{
    if (!s)
        return;
    atomic_store(&s->stopping, true);
    uint64_t one = 1;
    ssize_t written = write(s->wake_fd, &one, sizeof(one));
    (void)written; /* full means awake */
    pthread_mutex_lock(&s->lock);
    if (s->socket >= 0)
        shutdown(s->socket, SHUT_RDWR);
    pthread_mutex_unlock(&s->lock);
    if (s->started)
        pthread_join(s->thread, NULL);
    source_free(s);
}

const struct source_ops mysql_source = {
    .start = source_start,
    .confirm = source_confirm,
    .stats = source_stats,
    .stop = source_stop,
};
