/* What standing streams a database of PostgreSQL knows of, for people. */
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "base/postgres/conn.h"
#include "cdc/audit/postgres/standing.h"
#include "cdc/postgres/slot.h"

/* The slot holds WAL from restart_lsn on; restart_lsn NULL: it was invalidated. */
static const char streams[] =
    "SELECT s.name, s.id, s.position, s.started_by,"
    " s.started_at::pg_catalog.timestamptz(0)::pg_catalog.text AS started,"
    " s.updated_at::pg_catalog.timestamptz(0)::pg_catalog.text AS updated,"
    " (SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I', t.schema_name, t.table_name), ', ' ORDER BY t.number)"
    "  FROM seachange_audit.stream_table t WHERE t.id = s.id) AS tables,"
    " (SELECT l.pid FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted"
    " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
    " AND (l.classid::pg_catalog.int8 << 32 | l.objid::pg_catalog.int8) = " PG_STREAM_LOCK(
        "s.name") " LIMIT 1) AS pid,"
                  " r.slot_name IS NOT NULL AS has_slot, r.restart_lsn IS NOT NULL AND r.wal_status IS DISTINCT FROM "
                  "'lost' AS whole,"
                  " CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN"
                  " pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), r.restart_lsn) END AS kept"
                  " FROM seachange_audit.stream s LEFT JOIN pg_catalog.pg_replication_slots r"
                  " ON r.slot_name = 'seachange_audit_' || s.id ORDER BY s.started_at, s.name";

static const char *column(const PGresult *res, int row, const char *name)
{
    return PQgetvalue(res, row, PQfnumber(res, name));
}

static const char *note_of(const PGresult *res, int row, struct arena *arena)
{
    struct buf note = {0};
    const char *name = column(res, row, "name"), *pid = column(res, row, "pid");
    bool has_slot = column(res, row, "has_slot")[0] == 't', whole = column(res, row, "whole")[0] == 't';
    if (!column(res, row, "position")[0]) {
        buf_str(&note, "it has sent nothing yet: it is being begun, or is begun anew with the same command");
    } else if (pid[0]) {
        buf_printf(&note, "running: its connection is pid %s", pid);
    } else if (!has_slot || !whole) {
        buf_printf(&note,
                   "not running, and its replication slot is %s, so it cannot go on: `seachange audit remove "
                   "--audit-stream %s` removes it",
                   has_slot ? "invalidated" : "gone", name);
    } else {
        buf_printf(&note,
                   "not running: the same command goes on, `seachange audit remove --audit-stream %s` removes it",
                   name);
    }
    if (column(res, row, "kept")[0] && whole) {
        buf_str(&note, "; the server keeps ");
        human_bytes(&note, strtoull(column(res, row, "kept"), NULL, 10));
        buf_str(&note, " of WAL for it");
    }
    const char *text = arena_strdup(arena, buf_cstr(&note));
    buf_fini(&note);
    return text;
}

static void take_rows(const PGresult *res, struct arena *arena, struct standing_listed **out, size_t *count)
{
    *count = (size_t)PQntuples(res);
    *out = arena_array(arena, *count + 1, sizeof(**out));
    for (int i = 0; i < PQntuples(res); i++)
        (*out)[i] = (struct standing_listed){.name = arena_strdup(arena, column(res, i, "name")),
                                             .id = arena_strdup(arena, column(res, i, "id")),
                                             .tables = arena_strdup(arena, column(res, i, "tables")),
                                             .position = arena_strdup(arena, column(res, i, "position")),
                                             .started = arena_strdup(arena, column(res, i, "started")),
                                             .updated = arena_strdup(arena, column(res, i, "updated")),
                                             .owner = arena_strdup(arena, column(res, i, "started_by")),
                                             .note = note_of(res, i, arena)};
}

enum sc_result pg_standing_list(const char *url, struct arena *arena, struct standing_listed **out, size_t *count,
                                struct sc_error *err)
{
    struct pg_server server = {.url = mem_strdup(url), .application = mem_strdup("seachange list")};
    struct pg_conn *conn = NULL;
    PGresult *res = NULL;
    char *readable = NULL;
    *out = NULL;
    *count = 0;
    enum sc_result result = pg_server_learn(&server, "list", &conn, err);
    /* Who may not read it is not kept from seeing the migrations. */
    if (result == SC_OK)
        result = pg_value(conn, err, &readable,
                          "SELECT 1 WHERE pg_catalog.to_regclass('seachange_audit.stream_table') IS NOT NULL AND "
                          "pg_catalog.has_table_privilege('seachange_audit.stream_table', 'SELECT') AND "
                          "pg_catalog.has_table_privilege('seachange_audit.stream', 'SELECT')",
                          0, NULL);
    if (result == SC_OK && readable)
        result = pg_query(conn, err, &res, streams, 0, NULL);
    if (result == SC_OK && res)
        take_rows(res, arena, out, count);
    PQclear(res);
    mem_free(readable);
    pg_close(conn);
    pg_server_fini(&server);
    return result;
}
