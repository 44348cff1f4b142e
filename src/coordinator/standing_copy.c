/* The rows that are there when a stream begins: read chunk by chunk along the key, so that no snapshot grows old.
 *
 * Each chunk is read later than the stream's place in the log, so a row may be sent as it became behind that place; the
 * change that made it so follows, because changes come behind all rows. What a consumer has in the end is the table.
 * Killed in the middle, the stream is begun anew, and is another one for consumers: rows are not read again the same.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/human.h"
#include "base/log.h"
#include "base/stop.h"
#include "coordinator/publish.h"
#include "coordinator/standing_flow.h"
#include "engines.h"

enum { CHUNK_ROWS = 5000, FLUSH_MS = 1000 };

struct copying {
    struct flow *flow;
    struct audit_sink *sink;
    struct audit_stream *stream;
    const struct audit_table *table;
    int64_t read_us; /* when the stream began */
    uint64_t rows;   /* of all tables */
    int64_t shown_us;
};

static enum sc_result send(void *arg, const struct audit_message *message, struct sc_error *err)
{
    struct copying *c = arg;
    return audit_sink_send(c->sink, message, err);
}

static enum sc_result take(void *arg, const struct value *row, struct sc_error *err)
{
    struct copying *c = arg;
    if (stop_requested())
        return error_set(err, SC_STOP, "stopped by a signal while the rows that are there were sent");
    c->rows++;
    return audit_stream_snapshot(c->stream, c->table, row, c->read_us, err);
}

static void publish(struct copying *c)
{
    struct status s;
    int64_t age_ms;
    status_read(&s, &age_ms);
    s.ready = true;
    snprintf(s.phase, sizeof(s.phase), "snapshot");
    snprintf(s.note, sizeof(s.note), "sending the rows that are there: table %.200s", c->table->name);
    publish_audit_rows(&s.audit, c->sink, c->rows);
    status_publish(&s);
}

static void show(struct copying *c)
{
    publish(c);
    int64_t now = clock_us(), interval_us = c->flow->config->progress_interval_ms * 1000;
    if (interval_us == 0 || now - c->shown_us < interval_us)
        return;
    struct buf line = {0};
    buf_printf(&line, "audit %s: ", c->flow->config->name);
    human_exact(&line, c->rows);
    buf_printf(&line, " rows read, in table %s now", c->table->name);
    log_info("%s", buf_cstr(&line));
    buf_fini(&line);
    c->shown_us = now;
}

static enum sc_result copy_rows(struct copying *c, struct session *session, struct sc_error *err)
{
    const struct target_ops *ops = c->flow->ops;
    struct key *after = NULL;
    enum sc_result result = SC_OK;
    for (bool more = true; result == SC_OK && more;) {
        struct chunk chunk = {.after = after};
        result = ops->chunk_bound(session, after, CHUNK_ROWS, &chunk.upto, err);
        if (result == SC_OK)
            result = ops->audit_rows(session, &chunk, take, c, err);
        FAILPOINT(result, standing_chunk_sent, err);
        if (result == SC_OK)
            result = audit_sink_uncommitted(c->sink) ? audit_sink_commit(c->sink, err) : audit_sink_tick(c->sink, err);
        key_free(after);
        after = chunk.upto;
        more = after != NULL;
        show(c);
    }
    key_free(after);
    return result;
}

static enum sc_result copy_table(struct copying *c, size_t i, struct sc_error *err)
{
    struct flow *f = c->flow;
    struct audit_stream_config config = {.tables = &f->described[i],
                                         .ntables = 1,
                                         .version = AUDIT_VERSION,
                                         .tombstones = f->config->settings->tombstones,
                                         .send = send,
                                         .arg = c};
    config.engine = f->ops->audit_engine(f->tables[i].target, &config.server_id);
    struct source_config source = {0};
    f->standing_ops->source(f->stream, &source);
    f->standing[i].state.position = source.start;
    c->table = &f->described[i];
    c->stream = audit_stream_new(&config, &f->standing[i].state);
    struct session *session = NULL;
    enum sc_result result = f->ops->session_open(f->tables[i].target, "audit", &session, err);
    if (result == SC_OK)
        result = copy_rows(c, session, err);
    f->ops->session_close(session);
    if (result == SC_OK) {
        audit_stream_settle(c->stream);
        const struct audit_state *state = audit_stream_state(c->stream);
        f->standing[i].state.sequence = state->sequence;
        for (int32_t p = 0; p < state->partitions; p++)
            f->standing[i].state.heads[p] = state->heads[p];
    }
    audit_stream_free(c->stream);
    return result;
}

/* They count as sent once they are acknowledged. */
static enum sc_result wait_for_all(struct copying *c, struct sc_error *err)
{
    int64_t moved_us = clock_us();
    uint64_t moved = 0;
    for (;;) {
        enum sc_result result = audit_sink_tick(c->sink, err);
        if (result != SC_OK)
            return result;
        if (stop_requested())
            return error_set(err, SC_STOP, "stopped by a signal while the rows that are there were sent");
        publish(c);
        result = audit_sink_flush(c->sink, FLUSH_MS, err);
        uint64_t acknowledged = audit_sink_acknowledged(c->sink);
        if (result != SC_RETRY)
            return result;
        if (acknowledged != moved)
            moved_us = clock_us();
        moved = acknowledged;
        if (clock_us() - moved_us > c->flow->config->give_up_ms * 1000)
            return error_set(err, SC_RETRY, "Kafka has acknowledged nothing for %" PRId64 " s",
                             c->flow->config->give_up_ms / 1000);
    }
}

enum sc_result standing_copy(void *arg, struct sc_error *err)
{
    struct flow *f = arg;
    struct copying c = {.flow = f, .read_us = clock_wall_us(), .shown_us = clock_us()};
    enum sc_result result = standing_open_sink(f, stop_flag(), &c.sink, err);
    log_info("stream %s: sending the rows that are there", f->config->name);
    for (size_t i = 0; i < f->count && result == SC_OK; i++)
        result = copy_table(&c, i, err);
    if (result == SC_OK)
        result = wait_for_all(&c, err);
    audit_sink_close(c.sink);
    if (result == SC_OK)
        log_info("stream %s: %" PRIu64 " rows were there, and are sent", f->config->name, c.rows);
    return result;
}
