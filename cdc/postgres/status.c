/* What the server has to hear of the reader: statuses, also while nothing can be taken from it, and a proper end. */
#include <poll.h>

#include "base/clock.h"
#include "base/plant.h"
#include "cdc/postgres/stream.h"
#include "cdc/postgres/walsender.h"
#include "cdc/spool.h"

/* PostgreSQL's clock starts at 2000-01-01. */
#define EPOCH_2000_US INT64_C(946684800000000)

enum {
    LAST_WORDS_MS = 2000, /* for the server to take the last confirmation */
    PING_EVERY_MS = 5000,
};

enum sc_result stream_lost(struct source *s, struct sc_error *err)
{
    return walsender_failed(&s->config, s->conn, NULL, err);
}

enum sc_result stream_flush(struct source *s, struct sc_error *err)
{
    int left = PQflush(s->conn->pg);
    s->flush_pending = left > 0;
    return left < 0 ? stream_lost(s, err) : SC_OK;
}

/* Standby status update. `question`: the server is to answer with a keepalive. */
enum sc_result stream_status(struct source *s, bool question, struct sc_error *err)
{
    int64_t now = clock_us();
    uint64_t durable = PLANTED(C1_CONFIRMED_BEFORE_APPLIED) ? s->written : atomic_load(&s->durable);
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
        return stream_lost(s, err);
    if (sent > 0)
        atomic_store(&s->told, durable);
    return stream_flush(s, err);
}

enum sc_result stream_status_if_due(struct source *s, struct sc_error *err)
{
    int64_t now = clock_us(), interval_us = s->config.status_interval_ms * 1000;
    bool moved = atomic_load(&s->durable) - atomic_load(&s->told) >= CONFIRM_NOW_BYTES;
    if (!moved && now - s->status_at < interval_us)
        return SC_OK;
    return stream_status(s, now - s->question_at >= STATUSES_A_QUESTION * interval_us, err);
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
    const char *values[] = {"2", s->config.url, s->config.application, NULL};
    return PQpingParams(keywords, values, 1) == PQPING_REJECT;
}

/* While the spool is full: nothing is taken from the server, but it is told that we live. A failure shows when we read
 * on. */
void stream_while_full(void *arg)
{
    struct source *s = arg;
    struct sc_error ignored;
    if (s->conn && server_goes_down(s)) {
        pg_close(s->conn); /* stream() sees it when the change is in */
        s->conn = NULL;
    }
    if (s->conn && pg_alive(s->conn))
        stream_status_if_due(s, &ignored);
    s->good_at = clock_us();
    silence_heard(&s->silence, s->good_at); /* it is not the server that is silent */
    if (!s->stats.full)                     /* nobody else writes it */
        stream_state(s, true, true, "the spool is full; the rest waits in the server's log");
    stream_publish(s);
    if (stream_stopping(s))
        spool_stop(s->spool); /* nobody takes from it, and waiting for that would be for ever */
}

/* A last confirmation, and a proper end, so that the slot is free when we are gone. */
void stream_goodbye(struct source *s)
{
    struct sc_error ignored;
    PGconn *pg = s->conn->pg;
    if (stream_status(s, false, &ignored) != SC_OK || PQputCopyEnd(pg, NULL) < 0)
        return;
    stream_publish(s);
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
