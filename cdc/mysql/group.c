/* From events to groups: where a transaction begins and ends, and what statements mean.
 *
 *   MySQL    GTID, QUERY BEGIN, (TABLE_MAP, ROWS ...), XID or QUERY COMMIT
 *            GTID, QUERY                                       a statement that is a group by itself
 *            GTID, QUERY CREATE TABLE ... START TRANSACTION, rows, XID
 *            GTID, QUERY XA START, rows, QUERY XA END, XA_PREPARE; later GTID, QUERY XA COMMIT
 *            GTID, PAYLOAD                                     with the first form in it
 *   MariaDB  GTID (which is the BEGIN), rows, XID or QUERY COMMIT; GTID (standalone), QUERY
 *
 * Whether a statement behind a GTID is all of its group is only known by what comes next: another GTID, or rows. */
#include <inttypes.h>
#include <string.h>

#include "base/failpoint.h"
#include "base/plant.h"
#include "cdc/mysql/event_types.h"
#include "cdc/mysql/payload.h"
#include "cdc/mysql/query.h"
#include "cdc/mysql/stream.h"

static void remember_gtid(struct source *s)
{
    if (!s->has_gtid || s->gtid.anonymous || !s->has_gtids)
        return;
    if (s->decoder.mariadb)
        my_domain_position_set(&s->last, &s->gtid.domain);
    else
        my_gtid_set_add(&s->executed, &s->gtid.gtid);
}

static void group_is_over(struct source *s)
{
    s->group = MY_GROUP_NONE;
    s->has_gtid = false;
    s->nmapped = 0;
    s->resume = s->at;
}

/* Begins where the last event began: the GTID, or without one the BEGIN. */
static enum sc_result begin(struct source *s, enum my_group_state state, struct sc_error *err)
{
    struct position position;
    my_log_position_make(&s->began, NULL, &position);
    s->group = state;
    my_xa_begin(&s->xa, &s->began);
    return my_feed_begin(&s->feed, &position, s->commit_us, err);
}

static enum sc_result commit(struct source *s, struct sc_error *err)
{
    struct position end;
    if (!s->feed.passing)
        remember_gtid(s);
    if (my_feed_shows_end(&s->feed))
        my_stream_position(s, &s->at, &end);
    else
        my_log_position_make(&s->at, NULL, &end);
    bool ours = s->feed.begun;
    enum sc_result result = my_feed_commit(&s->feed, &end, s->commit_us, err);
    if (result == SC_OK)
        group_is_over(s);
    if (ours)
        FAILPOINT(result, reader_commit_spooled, err);
    return result;
}

static enum sc_result discard(struct source *s, const struct my_log_position *at, struct sc_error *err)
{
    struct position end;
    if (!s->feed.passing)
        remember_gtid(s);
    my_log_position_make(at, NULL, &end);
    enum sc_result result = my_feed_discard(&s->feed, &end, err);
    if (result == SC_OK) {
        group_is_over(s);
        s->resume = *at;
    }
    return result;
}

/* A group in its first state that something else follows was a statement by itself, and nothing in it was ours. */
static enum sc_result end_statement(struct source *s, struct sc_error *err)
{
    if (s->group != MY_GROUP_STATEMENT)
        return SC_OK;
    return discard(s, &s->began, err);
}

/* A server that crashed while it wrote a transaction rolled it back when it came up again. */
static enum sc_result cut_by_crash(struct source *s, struct sc_error *err)
{
    if (s->group == MY_GROUP_NONE)
        return SC_OK;
    return discard(s, &s->at, err);
}

static enum sc_result take_gtid(struct source *s, const struct my_event *event, struct sc_error *err)
{
    enum sc_result result = end_statement(s, err);
    if (result != SC_OK)
        return result;
    if (s->group != MY_GROUP_NONE)
        return error_set(err, SC_FAIL, "the server began a transaction within another one");
    const struct my_gtid_event *gtid = &event->gtid;
    s->gtid = *gtid;
    s->has_gtid = true;
    s->commit_us = gtid->commit_us ? gtid->commit_us : (int64_t)event->timestamp * 1000000;
    bool opens = s->decoder.mariadb && !gtid->standalone;
    return begin(s, gtid->xa_prepare ? MY_GROUP_XA : opens ? MY_GROUP_OPEN : MY_GROUP_STATEMENT, err);
}

/* --- statements --- */

static enum sc_result stopped_by(struct source *s, const struct my_statement *statement, const struct source_table *t,
                                 const char *why, struct sc_error *err)
{
    error_set(err, SC_FAIL, "%s in the binary log before %s:%" PRIu64 " %s table %s.%s%s%s", statement->verb,
              s->at.file, s->at.offset, "touches or may touch", t->schema, t->name, why && why[0] ? ": " : "",
              why ? why : "");
    return error_hint(err, "What it did to the table's rows or columns cannot be known from the log. The source is "
                           "untouched by the migration. Abort the migration and start it again; nobody may run such "
                           "statements on the table meanwhile.");
}

static enum sc_result take_effect_on(struct source *s, const struct my_statement *statement, size_t table,
                                     struct sc_error *err)
{
    const struct source_table *t = s->tables[table].source;
    const char *why = NULL;
    enum my_statement_effect effect =
        my_statement_effect(statement, t->schema, t->name, s->server.lower_case_table_names, &why);
    if (effect == MY_EFFECT_NONE)
        return SC_OK;
    if (effect == MY_EFFECT_TRUNCATE && s->group == MY_GROUP_STATEMENT)
        return my_table_truncated(s, table, err);
    if (my_table_may_alter(s, statement, table, &why))
        return my_table_altered(s, table, err);
    return stopped_by(s, statement, t, why, err);
}

static enum sc_result take_effect(struct source *s, const struct my_statement *statement, struct sc_error *err)
{
    if (s->feed.passing)
        return SC_OK;
    uint64_t seen = s->feed.seen;
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < s->ntables && result == SC_OK; i++)
        result = take_effect_on(s, statement, i, err);
    bool truncated = s->feed.seen > seen;
    return result == SC_OK && truncated ? commit(s, err) : result;
}

/* The log holds ROLLBACK TO only where something in the transaction could not be taken back, and then the rows that
 * were taken back, too. */
static enum sc_result take_rollback_to(struct source *s, struct sc_error *err)
{
    if (s->feed.passing || s->feed.seen == 0)
        return SC_OK;
    const struct source_table *t = s->tables[s->feed.table].source;
    error_set(err, SC_FAIL, "a transaction in the log changes table %s.%s and rolls a part of itself back", t->schema,
              t->name);
    return error_hint(err, "The source is untouched; which changes remain cannot be told apart while they are read: "
                           "abort the migration and start it again. Transactions that mix tables without transactions "
                           "(or temporary tables) with this one can do that.");
}

/* Also of one that was never prepared (XA ROLLBACK behind changes that cannot be taken back): nothing of it was put. */
static enum sc_result take_xa_decision(struct source *s, const struct my_statement *statement, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    if (statement->kind == MY_STATEMENT_XA_COMMIT)
        result = my_xa_put(&s->xa, statement->name, &s->feed, err);
    if (result != SC_OK)
        return result;
    my_xa_end(&s->xa, statement->name);
    return commit(s, err);
}

static enum sc_result take_query(struct source *s, const struct my_event *event, struct sc_error *err)
{
    const struct my_query_event *query = &event->query;
    struct my_statement statement;
    my_statement_read(&s->arena, query, &statement);
    if (s->group == MY_GROUP_NONE) {
        s->commit_us = (int64_t)event->timestamp * 1000000;
        enum sc_result result = begin(s, MY_GROUP_STATEMENT, err);
        if (result != SC_OK)
            return result;
    }
    switch (statement.kind) {
    case MY_STATEMENT_BEGIN:
        s->group = MY_GROUP_OPEN;
        return SC_OK;
    case MY_STATEMENT_COMMIT:
        return commit(s, err);
    case MY_STATEMENT_ROLLBACK:
        return discard(s, &s->at, err);
    case MY_STATEMENT_XA_START:
        s->group = MY_GROUP_XA;
        return SC_OK;
    case MY_STATEMENT_XA_COMMIT:
    case MY_STATEMENT_XA_ROLLBACK:
        return take_xa_decision(s, &statement, err);
    case MY_STATEMENT_ROLLBACK_TO:
        return take_rollback_to(s, err);
    case MY_STATEMENT_HARMLESS:
    case MY_STATEMENT_SAVEPOINT:
    case MY_STATEMENT_RELEASE:
    case MY_STATEMENT_XA_END:
    case MY_STATEMENT_XA_PREPARE:
        return SC_OK;
    case MY_STATEMENT_TRUNCATE:
    case MY_STATEMENT_DDL:
    case MY_STATEMENT_DML:
    case MY_STATEMENT_UNKNOWN:
        return take_effect(s, &statement, err);
    }
    return error_set(err, SC_FAIL, "a statement of unknown kind %d", (int)statement.kind);
}

/* --- the other events --- */

static enum sc_result take_rows(struct source *s, const struct my_event *event, struct sc_error *err)
{
    if (s->group == MY_GROUP_STATEMENT)
        s->group = MY_GROUP_OPEN;
    return my_table_rows(s, &event->rows, event->server_id, err);
}

static enum sc_result take_xa_prepare(struct source *s, const struct my_xa_event *event, struct sc_error *err)
{
    enum sc_result result = my_xa_prepared(&s->xa, event, &s->feed, err);
    return result == SC_OK ? commit(s, err) : result;
}

static enum sc_result take_payload(struct source *s, const struct my_payload_event *event, struct sc_error *err)
{
    struct my_payload *payload = NULL;
    enum sc_result result = my_payload_open(event, &payload, err);
    struct arena outer = s->arena;
    s->arena = (struct arena){0};
    while (result == SC_OK) {
        const uint8_t *data = NULL;
        size_t len = 0;
        result = my_payload_next(payload, &data, &len, err);
        if (result != SC_OK || !data)
            break;
        struct my_event inner;
        result = my_event_decode_inner(&s->decoder, &s->arena, data, len, &inner, err);
        if (result == SC_OK)
            result = my_group_take(s, &inner, true, err);
        arena_reset(&s->arena);
    }
    my_payload_close(payload);
    arena_fini(&s->arena);
    s->arena = outer;
    if (result == SC_OK && s->group != MY_GROUP_NONE)
        return error_set(err, SC_FAIL, "the server sent a compressed transaction without its end");
    return result;
}

static enum sc_result take_incident(const struct my_incident_event *incident, struct sc_error *err)
{
    error_set(err, SC_FAIL, "the server says that its binary log lacks something (incident %u: %.200s)",
              incident->number, incident->message);
    return error_hint(err, "Changes may be missing that cannot be known. The source is untouched; abort the migration "
                           "and start it again.");
}

enum sc_result my_group_take(struct source *s, const struct my_event *event, bool inner, struct sc_error *err)
{
    switch (event->kind) {
    case MY_EVENT_SKIP:
    case MY_EVENT_GTIDS:
        return SC_OK;
    case MY_EVENT_FORMAT:
        return event->format.created && !inner && !(event->flags & MY_EVENT_FLAG_ARTIFICIAL) ? cut_by_crash(s, err)
                                                                                             : SC_OK;
    case MY_EVENT_ROTATE:
    case MY_EVENT_STOP:
    case MY_EVENT_HEARTBEAT: /* the server has no more: groups are written to the log whole */
        return end_statement(s, err);
    case MY_EVENT_GTID:
        return take_gtid(s, event, err);
    case MY_EVENT_QUERY:
        return take_query(s, event, err);
    case MY_EVENT_TABLE_MAP:
        if (s->group == MY_GROUP_NONE)
            return error_set(err, SC_FAIL, "the server sent rows outside a transaction");
        return my_table_mapped(s, &event->table_map, err);
    case MY_EVENT_ROWS:
        if (PLANTED(B7_COMPRESSED_SKIPPED) && event->type >= MY_TYPE_WRITE_ROWS_COMPRESSED_V1)
            return SC_OK;
        return take_rows(s, event, err);
    case MY_EVENT_XID:
        return commit(s, err);
    case MY_EVENT_XA_PREPARE:
        return take_xa_prepare(s, &event->xa, err);
    case MY_EVENT_PAYLOAD:
        if (PLANTED(B7_COMPRESSED_SKIPPED))
            return SC_OK;
        return inner ? error_set(err, SC_FAIL, "a compressed transaction within another one")
                     : take_payload(s, &event->payload, err);
    case MY_EVENT_INCIDENT:
        return take_incident(&event->incident, err);
    }
    return error_set(err, SC_FAIL, "an event of unknown kind %d", (int)event->kind);
}
