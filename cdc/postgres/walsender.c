#include "cdc/postgres/walsender.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/plant.h"

enum {
    ANSWER_WITHIN_MS = 15000,
    /* A walsender whose peer is gone ends within moments once it is told to; one that waits for its disk takes longer.
     */
    SLOT_FREE_WITHIN_MS = 10000,
    SLOT_FREE_EVERY_MS = 200,
};

static enum sc_result start_over(struct sc_error *err)
{
    return error_hint(
        err,
        "Changes that this migration has not seen can no longer be read, so it cannot be completed. The source table "
        "is untouched. Abort the migration and start it again.");
}

/* --- the server --- */

static enum sc_result check_server(const struct source_config *config, struct pg_conn *conn,
                                   struct walsender_info *info, struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = pg_ask_within(conn, err, &res, "IDENTIFY_SYSTEM", ANSWER_WITHIN_MS);
    if (result != SC_OK)
        return error_wrap(err, "cannot ask the server who it is");
    bool told = PQntuples(res) == 1 && PQnfields(res) >= 3;
    if (told) {
        info->system_identifier = strtoull(PQgetvalue(res, 0, 0), NULL, 10);
        info->timeline = (uint32_t)strtoul(PQgetvalue(res, 0, 1), NULL, 10);
        told = pg_lsn_parse(PQgetvalue(res, 0, 2), &info->server_end);
    }
    PQclear(res);
    if (!told)
        return error_set(err, SC_FAIL, "the server did not say who it is");
    if (config->system_identifier && info->system_identifier != config->system_identifier) {
        error_set(err, SC_REFUSE,
                  "this is another server: its system identifier is %" PRIu64 ", the migration began on %" PRIu64,
                  info->system_identifier, config->system_identifier);
        return error_hint(
            err, "Positions in one server's log mean nothing on another. Connect to the server on which the migration "
                 "began. If that one is gone, start the migration again here; its source table is untouched.");
    }
    if (config->timeline && info->timeline != config->timeline) {
        error_set(err, SC_REFUSE,
                  "the server was failed over or restored: its timeline is %" PRIu32
                  ", the migration began on %" PRIu32,
                  info->timeline, config->timeline);
        return start_over(err);
    }
    return SC_OK;
}

/* What we have seen was on the server's disk. A log that ends before it was put back (a restored copy, a disk that lied
 * in a crash): the same positions will be written again with other changes. */
static enum sc_result check_history(const struct walsender_info *info, const struct position *at, struct sc_error *err)
{
    if (at->order <= info->server_end)
        return SC_OK;
    char end[24];
    pg_lsn_format(info->server_end, end);
    error_set(err, SC_REFUSE, "the server's log ends at %s, but this migration has seen it up to %s: it was set back",
              end, at->text);
    return start_over(err);
}

/* --- the slot --- */

/* Columns that only newer servers have are taken from the row as JSON. A session of ours that still has the slot is a
 * dead one: whoever may run this migration holds its lock. */
static char *slot_query(const struct source_config *config)
{
    char *slot = pg_literal(config->slot), *application = pg_literal(config->application);
    char *sql = mem_printf(
        "SELECT s.plugin, s.slot_type, s.database = pg_catalog.current_database(), s.confirmed_flush_lsn, "
        "s.wal_status, s.active_pid,"
        " a.application_name,"
        " CASE WHEN pg_catalog.starts_with(a.application_name, %s) THEN pg_catalog.pg_terminate_backend(s.active_pid) "
        "END,"
        " pg_catalog.to_jsonb(s) ->> 'conflicting', pg_catalog.to_jsonb(s) ->> 'invalidation_reason'"
        " FROM pg_catalog.pg_replication_slots s LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = s.active_pid"
        " WHERE s.slot_name = %s",
        application, slot);
    mem_free(slot);
    mem_free(application);
    return sql;
}

static enum sc_result check_slot_row(const struct source_config *config, const PGresult *res, struct position *at,
                                     struct sc_error *err)
{
    if (PQntuples(res) != 1) {
        error_set(err, SC_REFUSE, "replication slot %s does not exist any more", config->slot);
        return start_over(err);
    }
    const char *confirmed_text = PQgetvalue(res, 0, 3), *wal_status = PQgetvalue(res, 0, 4);
    const char *conflicting = PQgetvalue(res, 0, 8), *reason = PQgetvalue(res, 0, 9);
    if (strcmp(PQgetvalue(res, 0, 0), "pgoutput") != 0 || strcmp(PQgetvalue(res, 0, 1), "logical") != 0 ||
        strcmp(PQgetvalue(res, 0, 2), "t") != 0) {
        error_set(err, SC_REFUSE, "replication slot %s is not ours: it is of another kind or database", config->slot);
        return start_over(err);
    }
    if (reason[0] || conflicting[0] == 't' || strcmp(wal_status, "lost") == 0) {
        error_set(err, SC_REFUSE, "the server has invalidated replication slot %s (%s)", config->slot,
                  reason[0]               ? reason
                  : conflicting[0] == 't' ? "it conflicted with recovery"
                                          : "more WAL was kept for it than max_slot_wal_keep_size permits");
        return start_over(err);
    }
    uint64_t confirmed;
    if (!pg_lsn_parse(confirmed_text, &confirmed))
        return error_set(err, SC_REFUSE, "replication slot %s was never made completely", config->slot);
    if (at->order == 0) {
        at->order = confirmed;
        pg_lsn_format(confirmed, at->text);
    } else if (confirmed > at->order && !PLANTED(C2_GAP_PASSED_OVER) && !PLANTED(C2_STARTS_AT_THE_END)) {
        error_set(err, SC_REFUSE,
                  "replication slot %s was moved to %s, and this migration has seen the log only up to %s",
                  config->slot, confirmed_text, at->text);
        return start_over(err);
    }
    return SC_OK;
}

static enum sc_result check_slot(const struct source_config *config, struct pg_conn *conn, struct position *at,
                                 struct sc_error *err)
{
    char *sql = slot_query(config);
    int64_t deadline = clock_us() + (int64_t)SLOT_FREE_WITHIN_MS * 1000;
    enum sc_result result;
    for (;;) {
        PGresult *res = NULL;
        struct position from = *at;
        result = pg_ask_within(conn, err, &res, sql, ANSWER_WITHIN_MS);
        if (result != SC_OK) {
            error_wrap(err, "cannot look at replication slot %s", config->slot);
            break;
        }
        bool active = PQntuples(res) == 1 && !PQgetisnull(res, 0, 5);
        if (!active) {
            result = check_slot_row(config, res, &from, err);
            if (result == SC_OK)
                *at = from;
        } else if (clock_us() > deadline) {
            result = error_set(err, SC_RETRY, "replication slot %s is in use by pid %s (%s)", config->slot,
                               PQgetvalue(res, 0, 5), PQgetvalue(res, 0, 6));
            error_hint(err, "Only this migration may read from it. End that session.");
        }
        PQclear(res);
        if (result == SC_OK && active && conn->server->stop && atomic_load(conn->server->stop))
            result = error_set(err, SC_STOP, "stopped");
        if (!active || result != SC_OK)
            break;
        clock_sleep_ms(SLOT_FREE_EVERY_MS);
    }
    mem_free(sql);
    return result;
}

/* --- the stream --- */

enum sc_result walsender_failed(const struct source_config *config, struct pg_conn *conn, const PGresult *res,
                                struct sc_error *err)
{
    enum sc_result result = pg_failed(conn, res, err);
    if (result != SC_FAIL)
        return result;
    bool gone = pg_sqlstate_is(err, "42704") ||                               /* no such slot, no such publication */
                pg_sqlstate_is(err, "55000") || pg_sqlstate_is(err, "58P01"); /* slot invalidated, WAL removed */
    if (gone) {
        error_wrap(err, "cannot read on from replication slot %s", config->slot);
        err->result = SC_REFUSE;
        return start_over(err);
    }
    /* In use; out of memory, disk, connections; I/O: the server may get over it. */
    if (pg_sqlstate_is(err, "55006") || strncmp(err->sqlstate, "53", 2) == 0 || strncmp(err->sqlstate, "58", 2) == 0)
        err->result = SC_RETRY;
    return err->result;
}

static enum sc_result start_streaming(const struct source_config *config, struct pg_conn *conn,
                                      const struct position *at, struct sc_error *err)
{
    char *slot = pg_ident(config->slot), *publication = pg_ident(config->publication);
    char *publications = pg_literal(publication), where[24];
    pg_lsn_format(at->order, where);
    char *sql =
        mem_printf("START_REPLICATION SLOT %s LOGICAL %s (proto_version '1', publication_names %s, messages 'true')",
                   slot, where, publications);
    PGresult *res = NULL;
    enum sc_result result = pg_ask_within(conn, err, &res, sql, ANSWER_WITHIN_MS);
    if (result == SC_OK && PQresultStatus(res) != PGRES_COPY_BOTH)
        result = error_set(err, SC_FAIL, "the server answered START_REPLICATION with something else than a stream");
    else if (result == SC_FAIL && pg_sqlstate_is(err, "55006"))
        result = err->result = SC_RETRY;
    else if (result == SC_FAIL && (pg_sqlstate_is(err, "42704") || pg_sqlstate_is(err, "55000"))) {
        result = err->result = SC_REFUSE;
        start_over(err);
    }
    if (result != SC_OK)
        error_wrap(err, "cannot read from replication slot %s", config->slot);
    PQclear(res);
    mem_free(sql);
    mem_free(slot);
    mem_free(publication);
    mem_free(publications);
    return result;
}

enum sc_result walsender_open(const struct source_config *config, const struct pg_server *server, struct position *at,
                              struct walsender_info *info, struct pg_conn **out, struct sc_error *err)
{
    *out = NULL;
    struct pg_conn *conn = NULL;
    enum sc_result result = pg_open(server, "reader", PG_REPLICATION, &conn, err);
    if (result != SC_OK)
        return result;
    result = check_server(config, conn, info, err);
    if (result == SC_OK)
        result = check_history(info, at, err);
    if (result == SC_OK)
        result = check_slot(config, conn, at, err);
    if (PLANTED(C2_STARTS_AT_THE_END) && at->order < info->server_end)
        at->order = info->server_end;
    if (result == SC_OK)
        result = start_streaming(config, conn, at, err);
    if (result == SC_OK && PQsetnonblocking(conn->pg, 1) != 0)
        result = pg_failed(conn, NULL, err);
    if (result != SC_OK) {
        pg_close(conn);
        return result;
    }
    *out = conn;
    return SC_OK;
}
