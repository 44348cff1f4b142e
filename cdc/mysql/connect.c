/* Opening the stream: the right server, the right history, the right place. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mysql/conn_library.h"
#include "base/plant.h"
#include "cdc/mysql/log_end.h"
#include "cdc/mysql/position_text.h"
#include "cdc/mysql/stream.h"

enum {
    /* A server that waits for a semi-synchronous replica does so for 10 s by default. */
    HISTORY_WITHIN_MS = 20000,
    HISTORY_EVERY_MS = 500,
    FILE_BEGIN = 4, /* behind the file's magic number */
};

static enum sc_result check_identity(struct source *s, struct sc_error *err)
{
    const char *began = s->config.server_identity;
    if (!began || strcmp(began, s->server.identity) == 0 || PLANTED(C2_ANOTHER_SERVER))
        return SC_OK;
    error_set(err, SC_REFUSE, "this is another server: it is %s, the migration began on %s", s->server.identity, began);
    return error_hint(err, "Positions in one server's log mean nothing on another. Connect to the server on which the "
                           "migration began. If that one is gone, start the migration again here; its source table is "
                           "untouched.");
}

static enum sc_result check_history(struct source *s, struct my_conn *conn, const struct position *at,
                                    struct position *end, struct sc_error *err)
{
    int64_t deadline = clock_us() + (int64_t)HISTORY_WITHIN_MS * 1000;
    for (;;) {
        bool maybe_later = false;
        enum sc_result result = my_log_end(conn, end, err);
        if (result == SC_OK && at->order)
            result = my_log_check_history(&s->server, at, end, &maybe_later, err);
        if (!maybe_later || clock_us() > deadline)
            return result;
        if (my_stream_stopping(s))
            return error_set(err, SC_STOP, "stopped");
        clock_sleep_ms(HISTORY_EVERY_MS);
    }
}

/* The first time: where to read from, and what was executed there. */
static enum sc_result settle(struct source *s, const struct position *end, struct sc_error *err)
{
    const struct position *from = s->config.start.order && !PLANTED(C2_STARTS_AT_THE_END) ? &s->config.start : end;
    char *gtids = NULL;
    struct my_log_position at;
    enum sc_result result = my_position_read(from, &at, &s->resume, &gtids, err);
    s->has_gtids = gtids && gtids[0];
    if (result == SC_OK && s->has_gtids)
        result = s->server.family == MY_MARIADB ? my_domain_position_parse(&s->last, gtids, err)
                                                : my_gtid_set_parse(&s->executed, gtids, err);
    mem_free(gtids);
    if (result != SC_OK)
        return error_wrap(err, "cannot read the stored position");
    if (!s->config.server_identity)
        s->config.server_identity = mem_strdup(s->server.identity);
    s->settled = end->order;
    my_feed_init(&s->feed, s->spool, s->ntables, from, my_stream_while_full, s);
    s->feed.end_marker = s->config.end_marker;
    s->stats.confirmed = *from;
    s->good_at = clock_us();
    return SC_OK;
}

static enum sc_result check(struct source *s, struct position *end, struct sc_error *err)
{
    struct my_conn *conn = NULL;
    enum sc_result result = my_server_learn(&s->server, "reader", &conn, err);
    if (result != SC_OK)
        return result;
    struct position at = s->config.start;
    if (s->settled)
        my_stream_position(s, &s->resume, &at);
    result = check_identity(s, err);
    if (result == SC_OK)
        result = check_history(s, conn, &at, end, err);
    if (result == SC_OK && s->config.goes_on)
        result = my_going_on_learn(s, conn, err);
    my_close(conn);
    return result;
}

/* A user-level lock that the connection holds, by which it is known again. */
static void add_reader_lock(struct buf *b, const struct source *s, unsigned long id)
{
    char *name = mem_printf("%.30s reader %lu", s->config.message_prefix, id);
    my_add_literal(b, name);
    mem_free(name);
}

static enum sc_result start_dump(struct source *s, struct sc_error *err)
{
    enum sc_result result = my_open(&s->server, "reader", MY_BINLOG, &s->conn, err);
    struct buf lock = {0};
    if (result == SC_OK) {
        add_reader_lock(&lock, s, s->conn->thread_id);
        result = my_runf(s->conn, err, "DO GET_LOCK(%s, 0)", buf_cstr(&lock));
    }
    buf_fini(&lock);
    if (result != SC_OK)
        return result;
    /* The command has 32 bits for the offset. Beyond, the file is read from its begin, and what was dealt with is
     * passed over. */
    uint64_t offset = s->resume.offset > UINT32_MAX ? FILE_BEGIN : s->resume.offset;
    char *who = mem_printf("%s %s %s", s->config.application, s->config.message_prefix, s->server.identity);
    uint32_t id = my_dump_reader_id(who, s->turn, s->server.server_id);
    mem_free(who);
    result =
        my_dump_open(&s->dump, s->conn, s->resume.file, (uint32_t)offset, id, (int)s->config.status_interval_ms, err);
    if (result != SC_OK)
        return result;
    s->at = s->resume;
    s->at.offset = offset;
    return SC_OK;
}

enum sc_result my_stream_open(struct source *s, struct sc_error *err)
{
    struct position end;
    enum sc_result result = check(s, &end, err);
    if (result == SC_OK && !s->settled)
        result = settle(s, &end, err);
    if (result == SC_OK)
        result = start_dump(s, err);
    if (result != SC_OK) {
        my_stream_close(s);
        return result;
    }
    if (end.order > s->server_end.order)
        s->server_end = end;
    my_decoder_init(&s->decoder, s->server.family == MY_MARIADB);
    my_tables_forget(s);
    s->group = MY_GROUP_NONE;
    s->has_gtid = false;
    s->opened_at = s->advanced_at = clock_us();
    s->progress = s->feed.received.order + s->feed.changes;
    pthread_mutex_lock(&s->lock);
    s->socket = my_library_socket(s->conn->my);
    pthread_mutex_unlock(&s->lock);
    log_info("reading the log from %s:%" PRIu64, s->resume.file, s->resume.offset);
    my_stream_state(s, true, false, "streaming");
    my_stream_publish(s);
    return SC_OK;
}

void my_stream_close(struct source *s)
{
    pthread_mutex_lock(&s->lock);
    s->socket = -1;
    pthread_mutex_unlock(&s->lock);
    /* The server is still sending: it is not waited for. */
    if (s->conn)
        s->conn->lost = true;
    my_dump_close(&s->dump);
    my_close(s->conn);
    s->conn = NULL;
    if (s->settled)
        my_feed_lost(&s->feed);
}

/* Its number may have become somebody else's when the server was restarted meanwhile: who holds the lock is ours. */
static enum sc_result end_thread(struct my_conn *conn, const char *lock, unsigned long id, struct sc_error *err)
{
    char *holder = NULL;
    enum sc_result result = my_valuef(conn, err, &holder, "SELECT IS_USED_LOCK(%s)", lock);
    if (result == SC_OK && holder && strtoul(holder, NULL, 10) == id)
        result = my_runf(conn, err, "KILL %lu", id);
    mem_free(holder);
    return result;
}

/* A server can keep the thread that sends, and the file that it reads, for long after its reader has gone. That it is
 * asked to end in vain changes nothing. */
void my_stream_goodbye(struct source *s)
{
    unsigned long id = s->conn ? s->conn->thread_id : 0;
    my_stream_close(s);
    if (!id)
        return;
    struct my_server server = s->server;
    server.stop = NULL; /* we are being stopped: that is no reason not to do this */
    struct my_conn *conn = NULL;
    struct buf lock = {0};
    struct sc_error err;
    add_reader_lock(&lock, s, id);
    enum sc_result result = my_open(&server, "goodbye", MY_BINLOG, &conn, &err);
    if (result == SC_OK)
        result = end_thread(conn, buf_cstr(&lock), id, &err);
    if (result != SC_OK)
        log_debug("reader: %s", err.what); /* in most cases: it has ended already */
    buf_fini(&lock);
    my_close(conn);
}
