#include "cdc/postgres/slot.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/plant.h"
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

/* --- what the log has passed ---
 *
 * The log begins at the consistent point, and gives no transaction whose commit record lies before it. Such a one may
 * still wait for a synchronous standby, and no query sees it; the slot's first snapshot does. The copy must not begin
 * before its own snapshots see it, too, or its changes would be in neither. */

/* As the slot sees it: `exported` lives as long as the connection on which it was made. */
static enum sc_result read_exported(struct pg_conn *sql, const char *exported, struct pg_snapshot *out,
                                    struct sc_error *err)
{
    char *quoted = pg_literal(exported), *text = NULL;
    enum sc_result result =
        pg_runf(sql, err, "BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT %s", quoted);
    if (result == SC_OK)
        result = pg_value(sql, err, &text, "SELECT pg_catalog.pg_current_snapshot()", 0, NULL);
    if (pg_alive(sql))
        pg_run(sql, NULL, "ROLLBACK");
    if (result == SC_OK && !pg_snapshot_parse(text ? text : "", out))
        result = error_set(err, SC_FAIL, "the snapshot of the slot cannot be read");
    mem_free(text);
    mem_free(quoted);
    return result;
}

/* Does `now` see every transaction that `then` sees? */
static bool sees_as_much(const struct pg_snapshot *now, const struct pg_snapshot *then)
{
    for (size_t i = 0; i < now->nxip; i++)
        if (pg_snapshot_sees(then, now->xip[i]))
            return false;
    for (uint64_t xid = now->xmax; xid < then->xmax; xid++)
        if (pg_snapshot_sees(then, xid))
            return false;
    return true;
}

static enum sc_result wait_until_seen(struct pg_conn *sql, const struct pg_snapshot *then, int64_t until_us,
                                      void (*progress)(void *arg, const char *text), void *arg, struct sc_error *err)
{
    int64_t told = clock_us();
    struct backoff backoff;
    backoff_init(&backoff, 2, 200);
    for (;;) {
        char *text = NULL;
        struct pg_snapshot now = {0};
        enum sc_result result = pg_value(sql, err, &text, "SELECT pg_catalog.pg_current_snapshot()", 0, NULL);
        if (result == SC_OK && !pg_snapshot_parse(text ? text : "", &now))
            result = error_set(err, SC_FAIL, "the server's snapshot cannot be read");
        bool seen = result == SC_OK && (sees_as_much(&now, then) || PLANTED(A1_START_NOT_SEEN));
        pg_snapshot_fini(&now);
        mem_free(text);
        if (result != SC_OK || seen)
            return result;
        if (stop_requested())
            return error_set(err, SC_STOP, "stopped while waiting for commits that no query can see yet");
        if (clock_us() > until_us) {
            error_set(err, SC_REFUSE,
                      "transactions that were committed before the migration's place in the log cannot be seen by any "
                      "query yet: a synchronous standby does not answer");
            return error_hint(err, "See pg_stat_replication and synchronous_standby_names, or allow more with "
                                   "--slot-wait, and run the same command again.");
        }
        if (clock_us() - told > 1000000 && progress) {
            told = clock_us();
            progress(arg, "waiting for commits that no query can see yet: a synchronous standby does not answer");
        }
        clock_sleep_ms(backoff_next_ms(&backoff));
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
    buf_str(&command,
            server->version >= 150000 ? " LOGICAL pgoutput (SNAPSHOT 'export')" : " LOGICAL pgoutput EXPORT_SNAPSHOT");
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
    char *exported = NULL;
    while (pg_alive(conn) && (res = PQgetResult(conn->pg))) {
        if (PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 1 && !made) {
            made = pg_lsn_parse(PQgetvalue(res, 0, 1), consistent_point);
            exported = mem_strdup(PQgetvalue(res, 0, 2));
        } else if (result == SC_OK) {
            result = pg_failed(conn, res, err);
        }
        PQclear(res);
    }
    if (result == SC_OK && !made)
        result = error_set(err, SC_FAIL, "the server did not say where slot %s begins", name);
    struct pg_snapshot then = {0};
    FAILPOINT(result, slot_created, err);
    if (result == SC_OK)
        result = read_exported(sql, exported, &then, err);
    mem_free(exported);
    pg_close(conn);
    if (result == SC_OK) {
        result = wait_until_seen(sql, &then, start + wait_ms * 1000, progress, arg, err);
        given_up = result == SC_REFUSE;
    }
    pg_snapshot_fini(&then);
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
