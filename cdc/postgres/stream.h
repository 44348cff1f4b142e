/* What the files of the reader share: source.c owns the thread and opens the stream again when it is lost, stream.c
 * takes what the server sends, status.c says what the server has to hear. */
#ifndef SC_CDC_POSTGRES_STREAM_H
#define SC_CDC_POSTGRES_STREAM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/postgres/conn.h"
#include "cdc/postgres/feed.h"
#include "cdc/postgres/pgoutput.h"
#include "cdc/postgres/silence.h"
#include "cdc/source.h"

/* The consumer, or the server's log, moved so far: tell at once instead of with the next status. */
#define CONFIRM_NOW_BYTES (UINT64_C(16) << 20)
/* Every so many statuses the server is asked for a reply: proof of life, and its position. */
#define STATUSES_A_QUESTION 10

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
    int64_t status_at, question_at, opened_at, good_at, advanced_at;
    struct silence silence;
    int64_t requests_from;
    int requests;       /* for a reply, since requests_from */
    bool no_room;       /* the spool could not be written */
    bool unpublished;   /* the server said that it passes changes over */
    bool flush_pending; /* libpq holds bytes that the socket did not take */
    uint64_t progress;  /* puts, when the connection was opened */
};

static inline bool stream_stopping(struct source *s)
{
    return atomic_load(&s->stopping);
}

/* source.c: puts the thread's counts where source_ops.stats() finds them. */
void stream_publish(struct source *s);
void stream_state(struct source *s, bool connected, bool full, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* stream.c: takes what the server sends until the stream ends. SC_STOP: told to stop. SC_RETRY: connect again. */
enum sc_result stream_run(struct source *s, struct sc_error *err);
void stream_clear_wake(struct source *s);
/* A message of the server's beside the stream, for PQsetNoticeReceiver(). */
void stream_notice(void *arg, const PGresult *res);

/* status.c: all that is said to the server. `question`: it is to answer with a keepalive. */
enum sc_result stream_status(struct source *s, bool question, struct sc_error *err);
enum sc_result stream_status_if_due(struct source *s, struct sc_error *err);
enum sc_result stream_flush(struct source *s, struct sc_error *err);
enum sc_result stream_lost(struct source *s, struct sc_error *err);
/* While the spool is full: nothing is taken from the server, but it is told that we live. For spool_put(). */
void stream_while_full(void *arg);
/* A last confirmation, and a proper end, so that the slot is free when we are gone. */
void stream_goodbye(struct source *s);

#endif
