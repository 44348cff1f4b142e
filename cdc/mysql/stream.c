/* The reader's loop: it takes what the server sends, one event after the other, and puts what is ours into the spool.
 *
 * The server is told nothing: it keeps its log by its own rules, so confirm() only decides when the consumer's
 * checkpoint may be moved on over a log that holds nothing of the table (an empty transaction). */
#include "cdc/mysql/stream.h"

#include "base/clock.h"
#include "cdc/mysql/log_end.h"
#include "cdc/mysql/position_text.h"

enum {
    GOOD_AFTER_MS = 30000, /* a connection that held so long was a good one */
    PUBLISH_EVERY_MS = 100,
    ADVANCE_EVERY = 10, /* status intervals; each one when the log has moved far: */
};
#define FAR_BYTES (UINT64_C(16) << 20)

void my_stream_position(const struct source *s, const struct my_log_position *at, struct position *out)
{
    struct buf gtids = {0};
    if (s->has_gtids && s->server.family == MY_MARIADB)
        my_domain_position_print(&s->last, &gtids);
    else if (s->has_gtids)
        my_gtid_set_print(&s->executed, &gtids);
    my_position_write(at, my_xa_oldest(&s->xa), buf_cstr(&gtids), out);
    buf_fini(&gtids);
}

/* A transaction that the consumer has applied in part may be coming again; an empty one put before it would move the
 * checkpoint past the note of that part. So nothing is put until everything that was in the log when we came has been
 * received. */
static enum sc_result advance_if_idle(struct source *s, int64_t now, struct sc_error *err)
{
    const struct my_feed *f = &s->feed;
    if (f->in_group || f->cut || f->received.order <= f->put_end || f->received.order < s->settled)
        return SC_OK;
    int64_t interval_us = s->config.status_interval_ms * 1000;
    bool far = f->received.order - f->put_end >= FAR_BYTES;
    if (now - s->advanced_at < (far ? interval_us : ADVANCE_EVERY * interval_us))
        return SC_OK;
    pthread_mutex_lock(&s->lock);
    uint64_t durable = s->stats.confirmed.order;
    pthread_mutex_unlock(&s->lock);
    if (durable < f->put_end)
        return SC_OK;
    s->advanced_at = now;
    struct position at;
    my_stream_position(s, &s->resume, &at);
    return my_feed_advance(&s->feed, &at, err);
}

static enum sc_result take(struct source *s, const uint8_t *data, size_t len, struct sc_error *err)
{
    struct my_event event;
    enum sc_result result = my_event_decode(&s->decoder, &s->arena, data, len, &event, err);
    if (result != SC_OK)
        return result;
    s->began = s->at;
    if (event.kind == MY_EVENT_HEARTBEAT) {
        bool ahead = false;
        result = my_log_position_heartbeat(&s->at, &event.heartbeat, &ahead, err);
        if (result == SC_OK && ahead)
            result = error_set(err, SC_RETRY, "the server's log has moved on, and it did not send what is in there");
    }
    if (result == SC_OK)
        result = my_log_position_advance(&s->at, &event, false, err);
    if (result == SC_OK)
        result = my_group_take(s, &event, false, err);
    return result;
}

static void look_around(struct source *s, int64_t now)
{
    if (s->stats.full) /* nobody else writes it */
        my_stream_state(s, true, false, "streaming");
    if (s->feed.received.order > s->server_end.order)
        s->server_end = s->feed.received;
    if (s->feed.received.order + s->feed.changes > s->progress || now - s->opened_at > (int64_t)GOOD_AFTER_MS * 1000)
        s->good_at = now;
    if (now - s->published_at >= (int64_t)PUBLISH_EVERY_MS * 1000) {
        s->published_at = now;
        my_stream_publish(s);
    }
}

enum sc_result my_stream_run(struct source *s, struct sc_error *err)
{
    while (!my_stream_stopping(s)) {
        const uint8_t *data = NULL;
        size_t len = 0;
        bool fight = false;
        enum sc_result result = my_dump_fetch(&s->dump, &data, &len, &fight, err);
        if (fight)
            s->turn++;
        if (my_stream_stopping(s))
            break;
        if (result == SC_OK) {
            s->bytes += len;
            result = take(s, data, len, err);
            arena_reset(&s->arena);
        }
        int64_t now = clock_us();
        if (result == SC_OK)
            result = advance_if_idle(s, now, err);
        if (result != SC_OK)
            return result;
        look_around(s, now);
    }
    return error_set(err, SC_STOP, "stopped");
}
