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
 * It asks for a reply again and again; the reader takes the hint, leaves, and comes back. */
#include "cdc/postgres/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "cdc/postgres/frame.h"
#include "cdc/postgres/walsender.h"

enum {
    GOOD_AFTER_MS = 30000, /* a connection that held so long was a good one */
    SHUTDOWN_WINDOW_MS = 2000,
    SHUTDOWN_REQUESTS = 20,
    MESSAGES_A_TURN = 256,
};

/* A spool without room is not mended by connecting again. */
static enum sc_result put_done(struct source *s, enum sc_result result)
{
    s->no_room |= result == SC_RETRY;
    return result;
}

static enum sc_result take_data(struct source *s, const struct frame *frame, struct sc_error *err)
{
    if (frame->end > s->server_end)
        s->server_end = frame->end;
    struct pgoutput_message message;
    enum sc_result result = pgoutput_decode(&s->pgoutput, &s->arena, frame->data, frame->len, &message, err);
    if (result == SC_OK && message.ours)
        result = put_done(s, feed_take(&s->feed, &message, err));
    arena_reset(&s->arena);
    if (result == SC_OK && message.ours && message.change.kind == CHANGE_COMMIT) {
        uint64_t at = message.change.position.order;
        if (at > s->server_at)
            s->server_at = at;
        if (at > s->written)
            s->written = at;
        if (at > s->server_end)
            s->server_end = at;
        FAILPOINT(result, reader_commit_spooled, err);
    }
    return result;
}

static enum sc_result take_keepalive(struct source *s, const struct frame *frame, struct sc_error *err)
{
    uint64_t end = frame->end;
    if (end > s->server_end)
        s->server_end = end;
    /* Within a transaction the position may lie behind changes that are still to come. */
    if (!s->feed.in_transaction && end > s->server_at)
        s->server_at = end;
    if (!s->feed.in_transaction && end > s->written)
        s->written = end;
    if (!frame->reply)
        return SC_OK;
    int64_t now = clock_us();
    if (now - s->requests_from > (int64_t)SHUTDOWN_WINDOW_MS * 1000) {
        s->requests_from = now;
        s->requests = 0;
    }
    if (++s->requests > SHUTDOWN_REQUESTS && atomic_load(&s->durable) < end)
        return error_set(err, SC_RETRY, "the server seems to be shutting down");
    return stream_status(s, false, err);
}

static enum sc_result take_message(struct source *s, const char *data, size_t len, struct sc_error *err)
{
    struct frame frame;
    enum sc_result result = frame_read(data, len, &frame, err);
    if (result != SC_OK)
        return result;
    return frame.kind == FRAME_DATA ? take_data(s, &frame, err) : take_keepalive(s, &frame, err);
}

/* From 18 on a publication that is gone is a warning, and the server passes the table's changes over; before, it is an
 * error. */
void stream_notice(void *arg, const PGresult *res)
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
            return stream_lost(s, err);
        s->bytes += (uint64_t)len;
        silence_heard(&s->silence, clock_us());
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
    enum sc_result result = put_done(s, feed_advance(&s->feed, s->server_at, err));
    return result == SC_OK && !s->conn ? error_set(err, SC_RETRY, "the server is shutting down") : result;
}

/* --- the loop --- */

void stream_clear_wake(struct source *s)
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
        stream_clear_wake(s);
    if (p[0].revents && PQconsumeInput(s->conn->pg) != 1)
        return stream_lost(s, err);
    return s->flush_pending ? stream_flush(s, err) : SC_OK;
}

enum sc_result stream_run(struct source *s, struct sc_error *err)
{
    while (!stream_stopping(s)) {
        bool more = false;
        enum sc_result result = take_arrived(s, &more, err);
        if (result == SC_OK)
            result = advance_if_idle(s, err);
        if (result == SC_OK)
            result = stream_status_if_due(s, err);
        stream_publish(s);
        if (result == SC_OK && !more)
            result = wait_for_more(s, err);
        if (result != SC_OK)
            return result;
        int64_t now = clock_us();
        silence_moved(&s->silence, s->server_at);
        if (silence_over(&s->silence, s->server_at, now))
            return error_set(err, SC_RETRY, "nothing was heard of the server for %" PRId64 " s",
                             (now - s->silence.heard_us) / 1000000);
        if (s->stats.full) /* nobody else writes it */
            stream_state(s, true, false, "streaming");
        if (s->feed.received.order + s->feed.changes > s->progress ||
            now - s->opened_at > (int64_t)GOOD_AFTER_MS * 1000)
            s->good_at = now;
    }
    return error_set(err, SC_STOP, "stopped");
}
