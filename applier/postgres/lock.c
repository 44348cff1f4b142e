/* Getting hold of everything the swap needs, without hurting whoever works with it.
 *
 * A lock that waits blocks everybody who comes behind it, so tries are short. A lock that waits while others are held
 * can close a circle with a transaction that holds it and waits for one of ours; the server then ends whichever of the
 * two finds out first, deadlock_timeout after it began to wait. It must never be the other. Nobody waits for us before
 * we first ask, so it never is when from then on we wait for no lock longer than deadlock_timeout (may_wait_ms).
 *
 * All that will be changed is locked before the drain, in the order in which applications come to it, which makes a
 * circle rare: views before the table they read; the parents and children of a foreign key before the table, as an
 * INSERT into the child, or a DELETE of the parent, does. The ghost comes first of all: nobody but a vacuum works with
 * it, and nobody waits then. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "applier/postgres/apply.h"
#include "applier/postgres/cutover.h"
#include "applier/postgres/ops.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/plant.h"

/* An autovacuum makes way when somebody waits for it longer than deadlock_timeout; so long a wait is harmless only for
 * a lock behind which nobody else waits. */
#define VACUUM_GRACE_MS 500
#define VACUUM_WAIT_MAX_MS 10000

enum sc_result pg_name_sessions(struct pg_conn *conn, const char *sql, int nparams, const char *const *params,
                                struct buf *out, struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = pg_query(conn, err, &res, sql, nparams, params);
    int rows = result == SC_OK ? PQntuples(res) : 0;
    for (int i = 0; i < rows && i < 5; i++)
        buf_printf(out, "%s%s", i ? ", " : "", PQgetvalue(res, i, 0));
    if (rows > 5)
        buf_printf(out, " and %d more", rows - 5);
    PQclear(res);
    return result;
}

static enum sc_result not_granted(struct target *t, const char *what, int within_ms, struct buf *names,
                                  struct sc_error *err)
{
    if (t->blockers)
        t->blockers->met = true;
    return error_set(err, SC_RETRY, "the lock on %s was not granted within %d ms%s%s", what, within_ms,
                     names->len ? "; in the way: " : "", buf_cstr(names));
}

enum sc_result pg_run_waiting(struct session *s, const char *sql, const char *what, int timeout_ms,
                              struct sc_error *err)
{
    struct target *t = s->target;
    PGconn *pg = s->conn->pg;
    if (PQsendQuery(pg, sql) != 1)
        return pg_failed(s->conn, NULL, err);
    int64_t start = clock_us(), look_us = start + (int64_t)timeout_ms * 700;
    struct buf names = {0};
    bool looked = false;
    enum sc_result result = SC_OK;
    while (PQisBusy(pg)) {
        int64_t left_ms = (look_us - clock_us()) / 1000;
        struct pollfd p = {.fd = PQsocket(pg), .events = POLLIN};
        if (poll(&p, 1, looked ? -1 : left_ms > 0 ? (int)left_ms : 0) == 0) {
            pg_blockers_name(t, s->conn->backend_pid, &names);
            if (blockers_due(t->blockers, timeout_ms, t->spec.lock_timeout_ms))
                pg_blockers_end(t, s->conn->backend_pid, start + (int64_t)timeout_ms * 1000);
            looked = true;
        } else if (PQconsumeInput(pg) != 1) {
            buf_fini(&names);
            return pg_failed(s->conn, NULL, err);
        }
    }
    PGresult *res;
    while ((res = PQgetResult(pg))) {
        ExecStatusType status = PQresultStatus(res);
        if (result == SC_OK && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            result = pg_failed(s->conn, res, err);
        PQclear(res);
    }
    if (result == SC_RETRY && pg_sqlstate_is(err, "55P03"))
        not_granted(t, what, timeout_ms, &names, err);
    else if (result != SC_OK)
        error_wrap(err, "locking %s", what);
    buf_fini(&names);
    return result;
}

/* --- before it
 * ---------------------------------------------------------------------------------------------------------- */

static const char wraparound_sql[] =
    "SELECT DISTINCT " SESSION_TEXT
    " FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_locks l ON l.pid = a.pid AND l.locktype = 'relation'"
    " AND l.relation IN ($1::pg_catalog.oid, $2::pg_catalog.oid) WHERE a.backend_type = 'autovacuum worker' AND "
    "a.query ~ 'to prevent wraparound'";

/* On the table, and on those that are locked with it. */
static const char prepared_sql[] =
    "SELECT DISTINCT pg_catalog.format('%s (of %s, prepared %s s ago)', x.gid, x.owner, EXTRACT(epoch FROM "
    "pg_catalog.clock_timestamp() - x.prepared)::pg_catalog.int8)"
    " FROM pg_catalog.pg_locks l " PREPARED_LOCKS
    " WHERE l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) AND "
    "(l.relation = $1::pg_catalog.oid OR l.relation IN"
    "  (SELECT conrelid FROM pg_catalog.pg_constraint WHERE contype = 'f' AND confrelid = $1::pg_catalog.oid UNION"
    "   SELECT confrelid FROM pg_catalog.pg_constraint WHERE contype = 'f' AND conrelid = $1::pg_catalog.oid))";

static enum sc_result learn_deadlock_timeout(struct session *s, struct sc_error *err)
{
    char *text = NULL;
    enum sc_result result = pg_value(
        s->conn, err, &text, "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'", 0, NULL);
    s->deadlock_timeout_ms = text ? (int)strtol(text, NULL, 10) : 1000;
    mem_free(text);
    return result;
}

/* A vacuum of the source or of the ghost, which has just been filled, is in the way of the cutover's lock, and shorter
 * waits than deadlock_timeout do not move it. Its own kind of lock is asked for here, for which no reader or writer has
 * to wait. */
static enum sc_result let_vacuum_go(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    int timeout_ms = s->deadlock_timeout_ms + VACUUM_GRACE_MS;
    if (timeout_ms > VACUUM_WAIT_MAX_MS)
        timeout_ms = VACUUM_WAIT_MAX_MS;
    char oids[2][16], *tables = NULL;
    snprintf(oids[0], sizeof(oids[0]), "%u", t->ghost_oid);
    snprintf(oids[1], sizeof(oids[1]), "%u", t->source.oid);
    enum sc_result result = pg_value(s->conn, err, &tables,
                                     "SELECT pg_catalog.format('ONLY %s, ONLY %s', "
                                     "$1::pg_catalog.oid::pg_catalog.regclass, "
                                     "$2::pg_catalog.oid::pg_catalog.regclass)",
                                     2, (const char *[]){oids[0], oids[1]});
    if (result == SC_OK)
        result = pg_runf(s->conn, err, "BEGIN; SET LOCAL lock_timeout = '%dms'", timeout_ms);
    if (result == SC_OK) {
        char *sql = mem_printf("LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE", tables);
        result = pg_run_waiting(s, sql, "the table, against vacuum and schema changes,", timeout_ms, err);
        mem_free(sql);
        if (pg_alive(s->conn))
            pg_run(s->conn, NULL, "ROLLBACK");
    }
    mem_free(tables);
    return result;
}

enum sc_result pg_cutover_ready(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    char source[16], ghost[16];
    snprintf(source, sizeof(source), "%u", t->source.oid);
    snprintf(ghost, sizeof(ghost), "%u", t->ghost_oid);
    struct buf names = {0};
    error_init(err);
    enum sc_result result = learn_deadlock_timeout(s, err);
    if (result == SC_OK)
        result = pg_name_sessions(s->conn, wraparound_sql, 2, (const char *[]){source, ghost}, &names, err);
    if (result == SC_OK && names.len > 0)
        result = error_set(err, SC_RETRY, "an autovacuum to prevent wraparound is at work on the table: %s",
                           buf_cstr(&names));
    if (result == SC_OK)
        result = pg_name_sessions(s->conn, prepared_sql, 1, (const char *[]){source}, &names, err);
    if (result == SC_OK && names.len > 0) {
        result = error_set(err, SC_RETRY, "a prepared transaction holds a lock on the table: %s", buf_cstr(&names));
        error_hint(err, "COMMIT PREPARED or ROLLBACK PREPARED it.");
    }
    buf_fini(&names);
    if (result == SC_OK)
        result = pg_snapshots_before(s, err);
    if (result == SC_OK)
        result = let_vacuum_go(s, err);
    if (result == SC_OK)
        result = pg_detach(s, t->spec.lock_timeout_ms, err);
    if (result == SC_OK)
        result = pg_stage_open(s, err);
    return result;
}

/* --- the locks
 * ---------------------------------------------------------------------------------------------------------- */

/* Rows (what, statement) in the order in which they are locked. A view alone cannot be locked by LOCK TABLE, which goes
 * on to all that it reads; to give it to the owner it has takes the same lock and changes nothing. */
static const char locks_sql[] =
    "SELECT what, statement FROM ("
    " SELECT 1 AS part, $2::pg_catalog.oid AS oid, 'the new table' AS what, pg_catalog.format('LOCK TABLE ONLY %s IN "
    "ACCESS EXCLUSIVE MODE', $2::pg_catalog.oid::pg_catalog.regclass) AS statement"
    " UNION ALL SELECT DISTINCT 2, v.oid, 'view ' || v.oid::pg_catalog.regclass, pg_catalog.format('ALTER VIEW %s "
    "OWNER TO %I', v.oid::pg_catalog.regclass, pg_catalog.pg_get_userbyid(v.relowner))"
    "  FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid JOIN pg_catalog.pg_class v ON v.oid "
    "= r.ev_class AND v.relkind = 'v'"
    "  WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = "
    "'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = $1::pg_catalog.oid"
    " UNION ALL SELECT DISTINCT 3, confrelid, 'table ' || confrelid::pg_catalog.regclass || ', to which a foreign key "
    "points,', pg_catalog.format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', confrelid::pg_catalog.regclass)"
    "  FROM pg_catalog.pg_constraint k WHERE contype = 'f' AND conrelid = $1::pg_catalog.oid AND confrelid <> "
    "$1::pg_catalog.oid AND NOT EXISTS"
    "   (SELECT FROM pg_catalog.pg_constraint c WHERE c.contype = 'f' AND c.confrelid = $1::pg_catalog.oid AND "
    "c.conrelid = k.confrelid)"
    " UNION ALL SELECT DISTINCT 4, conrelid, 'table ' || conrelid::pg_catalog.regclass || ', whose foreign key points "
    "here,', pg_catalog.format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', conrelid::pg_catalog.regclass)"
    "  FROM pg_catalog.pg_constraint WHERE contype = 'f' AND confrelid = $1::pg_catalog.oid AND conrelid NOT IN "
    "($1::pg_catalog.oid, $2::pg_catalog.oid)"
    " UNION ALL SELECT 5, $1::pg_catalog.oid, 'table ' || $1::pg_catalog.oid::pg_catalog.regclass, "
    "pg_catalog.format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', $1::pg_catalog.oid::pg_catalog.regclass)"
    ") x ORDER BY part, oid";

int pg_cutover_may_wait_ms(const struct session *s)
{
    int64_t elapsed_ms = (clock_us() - s->lock_began_us) / 1000;
    int64_t left_ms = (int64_t)s->deadlock_timeout_ms * 8 / 10 - elapsed_ms;
    return left_ms > 1 ? (int)left_ms : 1;
}

/* With the ghost and the table alone there is nothing a circle could be made of. */
#define ALONE 2

enum sc_result pg_cutover_lock(struct session *s, int timeout_ms, struct sc_error *err)
{
    struct target *t = s->target;
    char source[16], ghost[16];
    snprintf(source, sizeof(source), "%u", t->source.oid);
    snprintf(ghost, sizeof(ghost), "%u", t->ghost_oid);
    PGresult *locks = NULL;
    error_init(err);
    enum sc_result result = s->deadlock_timeout_ms ? SC_OK : learn_deadlock_timeout(s, err);
    if (result == SC_OK)
        result = pg_query(s->conn, err, &locks, locks_sql, 2, (const char *[]){source, ghost});
    if (result == SC_OK)
        result = pg_run(s->conn, err, "BEGIN; SET CONSTRAINTS ALL DEFERRED");
    if (result != SC_OK) {
        PQclear(locks);
        return result;
    }
    s->in_cutover = true;
    s->lock_began_us = clock_us();
    bool alone = PQntuples(locks) <= ALONE;
    for (int i = 0; i < PQntuples(locks) && result == SC_OK; i++) {
        int64_t left_ms = timeout_ms - (clock_us() - s->lock_began_us) / 1000;
        int may_ms = alone ? timeout_ms : pg_cutover_may_wait_ms(s);
        int within_ms = left_ms < 1 ? 1 : left_ms < may_ms ? (int)left_ms : may_ms;
        within_ms = PLANTED(D4_WAITS_FOR_LONG) ? 60000 : within_ms;
        char *sql = mem_printf("SET LOCAL lock_timeout = '%dms'; %s", within_ms, PQgetvalue(locks, i, 1));
        result = pg_run_waiting(s, sql, PQgetvalue(locks, i, 0), within_ms, err);
        mem_free(sql);
        if (result != SC_OK)
            pg_cutover_unlock(s);
    }
    s->in_cutover = result == SC_OK;
    PQclear(locks);
    return result;
}

void pg_cutover_unlock(struct session *s)
{
    FAILPOINT_PASS(cutover_before_unlock);
    if (pg_alive(s->conn) && PQtransactionStatus(s->conn->pg) != PQTRANS_IDLE)
        pg_run(s->conn, NULL, "ROLLBACK");
    if (!pg_alive(s->conn)) {
        /* The server may not have noticed that it is gone, and would hold the table for as long. */
        struct sc_error ignored;
        ids_add(&s->target->lost, (uint64_t)s->conn->backend_pid);
        pg_end_lost(s->target, s->target->control, &ignored);
    }
    s->in_cutover = false;
}
