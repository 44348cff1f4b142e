#include "cdc/postgres/slot.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/stop.h"

/* How long a session of ours that still uses the slot is given to go. */
#define DROP_WITHIN_MS 15000

enum sc_result pg_publication_create(struct pg_conn *ddl, const char *name, const char *schema, const char *table,
                                     struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "CREATE PUBLICATION ");
    pg_add_ident(&sql, name);
    buf_str(&sql, " FOR TABLE ONLY ");
    pg_add_qualified(&sql, schema, table);
    buf_str(&sql, " WITH (publish = 'insert, update, delete, truncate')");
    enum sc_result result = pg_run(ddl, err, buf_cstr(&sql));
    buf_fini(&sql);
    return result == SC_OK ? SC_OK : error_wrap(err, "cannot create publication %s", name);
}

enum sc_result pg_publication_drop(struct pg_conn *ddl, const char *name, struct sc_error *err)
{
    char *ident = pg_ident(name);
    enum sc_result result = pg_runf(ddl, err, "DROP PUBLICATION IF EXISTS %s", ident);
    mem_free(ident);
    return result == SC_OK ? SC_OK : error_wrap(err, "cannot drop publication %s", name);
}

/* --- making the slot --- */

/* What slot creation waits for: transactions older than itself (manual, 49.2), one after the other; the one it waits
 * for now comes first. Never what they run: it can hold values. Times of other users' sessions may be hidden. */
static char *waits_for(struct pg_conn *sql, int pid)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", pid);
    char *names = NULL;
    pg_value(sql, NULL, &names,
             "SELECT pg_catalog.string_agg(t, ', ') FROM ("
             "SELECT * FROM ("
             "SELECT 0 AS nearness, prepared AS since, pg_catalog.format('prepared transaction %L (%s, %s, open for %s"
             " s)', gid, owner, database,"
             " EXTRACT(epoch FROM pg_catalog.clock_timestamp() - prepared)::pg_catalog.int8) AS t"
             " FROM pg_catalog.pg_prepared_xacts"
             " UNION ALL "
             "SELECT CASE WHEN pid = ANY (pg_catalog.pg_blocking_pids($1::pg_catalog.int4)) THEN -1 ELSE 1 END,"
             " xact_start, pg_catalog.format('pid %s (%s, %s, open for %s s)', pid, coalesce(usename, 'no user'),"
             " coalesce(state, backend_type, 'state hidden'), coalesce(EXTRACT(epoch FROM pg_catalog.clock_timestamp()"
             " - xact_start)::pg_catalog.int8::pg_catalog.text, '?'))"
             " FROM pg_catalog.pg_stat_activity"
             " WHERE backend_xid IS NOT NULL AND pid <> $1::pg_catalog.int4 AND pid <> pg_catalog.pg_backend_pid()"
             ") x ORDER BY nearness, since LIMIT 5) y",
             1, (const char *[]){text});
    return names;
}

static bool wait_readable(PGconn *pg, int timeout_ms)
{
    struct pollfd p[2] = {{.fd = PQsocket(pg), .events = POLLIN}, {.fd = stop_fd(), .events = POLLIN}};
    return poll(p, 2, timeout_ms) > 0;
}

static void cancel(PGconn *pg)
{
    char ignored[256];
    PGcancel *c = PQgetCancel(pg);
    if (c) {
        PQcancel(c, ignored, sizeof(ignored));
        PQfreeCancel(c);
    }
}

enum sc_result pg_slot_create(const struct pg_server *server, struct pg_conn *sql, const char *name, int64_t wait_ms,
                              void (*progress)(void *arg, const char *text), void *arg, uint64_t *consistent_point,
                              struct sc_error *err)
{
    struct pg_conn *conn = NULL;
    enum sc_result result = pg_open(server, "slot", PG_REPLICATION, &conn, err);
    if (result != SC_OK)
        return result;
    struct buf command = {0};
    buf_str(&command, "CREATE_REPLICATION_SLOT ");
    pg_add_ident(&command, name);
    buf_str(&command, server->version >= 150000 ? " LOGICAL pgoutput (SNAPSHOT 'nothing')"
                                                : " LOGICAL pgoutput NOEXPORT_SNAPSHOT");
    if (PQsendQuery(conn->pg, buf_cstr(&command)) != 1)
        result = pg_failed(conn, NULL, err);
    buf_fini(&command);

    int64_t start = clock_us(), told = start;
    bool given_up = false, stopped = false;
    while (result == SC_OK) {
        wait_readable(conn->pg, 200);
        if (PQconsumeInput(conn->pg) != 1) {
            result = pg_failed(conn, NULL, err);
            break;
        }
        if (!PQisBusy(conn->pg))
            break;
        int64_t now = clock_us();
        if (now - told > 1000000 && progress) {
            told = now;
            char *names = waits_for(sql, conn->backend_pid);
            char *text = mem_printf("the log can be read from here on once these transactions have ended: %s",
                                    names ? names : "(unknown)");
            progress(arg, text);
            mem_free(text);
            mem_free(names);
        }
        stopped = stop_requested();
        given_up = now - start > wait_ms * 1000;
        if (stopped || given_up) {
            char *names = waits_for(sql, conn->backend_pid);
            cancel(conn->pg);
            if (stopped)
                error_set(err, SC_STOP, "stopped while waiting for open transactions");
            else
                error_set(err, SC_REFUSE,
                          "transactions that were open when the migration began have not ended within %lld s: %s",
                          (long long)(wait_ms / 1000), names ? names : "(unknown)");
            if (given_up)
                error_hint(err, "End them, or allow more with --slot-wait, and run the same command again.");
            result = stopped ? SC_STOP : SC_REFUSE;
            mem_free(names);
        }
    }
    PGresult *res;
    bool made = false;
    while (pg_alive(conn) && (res = PQgetResult(conn->pg))) {
        if (PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 1)
            made = pg_lsn_parse(PQgetvalue(res, 0, 1), consistent_point);
        else if (result == SC_OK)
            result = pg_failed(conn, res, err);
        PQclear(res);
    }
    pg_close(conn);
    if (result == SC_OK && !made)
        result = error_set(err, SC_FAIL, "the server did not say where slot %s begins", name);
    if (result != SC_OK) {
        /* Cancelled in the making it is gone by itself; made at the same moment it is not. One that was there before
         * is not ours to drop. */
        struct sc_error ignored;
        if (!pg_sqlstate_is(err, "42710"))
            pg_slot_drop(sql, name, server->application, &ignored);
        if (result != SC_STOP && !given_up)
            error_wrap(err, "cannot create replication slot %s", name);
    }
    return result;
}

/* --- dropping it --- */

enum sc_result pg_slot_drop(struct pg_conn *sql, const char *name, const char *application_prefix, struct sc_error *err)
{
    int64_t deadline = clock_us() + DROP_WITHIN_MS * 1000;
    for (;;) {
        PGresult *res = NULL;
        enum sc_result result = pg_query(sql, err, &res,
                                         "SELECT s.active_pid, CASE WHEN pg_catalog.starts_with(a.application_name, "
                                         "$2) THEN pg_catalog.pg_terminate_backend(s.active_pid) END"
                                         " FROM pg_catalog.pg_replication_slots s LEFT JOIN "
                                         "pg_catalog.pg_stat_activity a ON a.pid = s.active_pid WHERE s.slot_name = $1",
                                         2, (const char *[]){name, application_prefix});
        if (result != SC_OK)
            return result;
        bool there = PQntuples(res) > 0, active = there && !PQgetisnull(res, 0, 0);
        PQclear(res);
        if (!there)
            return SC_OK;
        if (!active) {
            char *gone = NULL;
            result = pg_value(sql, err, &gone,
                              "SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM "
                              "pg_catalog.pg_replication_slots WHERE slot_name = $1",
                              1, &name);
            mem_free(gone);
            /* 55006: somebody took it between the two statements; 42704: somebody dropped it */
            if (result == SC_OK || pg_sqlstate_is(err, "42704"))
                return SC_OK;
            if (!pg_sqlstate_is(err, "55006"))
                return error_wrap(err, "cannot drop replication slot %s", name);
        }
        if (clock_us() > deadline)
            return error_set(err, SC_FAIL,
                             "replication slot %s is still in use; it keeps WAL on the server until it is dropped: "
                             "SELECT pg_drop_replication_slot('%s')",
                             name, name);
        clock_sleep_ms(100);
    }
}
