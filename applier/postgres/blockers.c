/* Sessions that keep the cutover from its locks: who they are, and, where the operator wants it, their end
 * (correctness D4).
 *
 * Ended is only who holds a lock that conflicts with the one that our session waits for at that moment; not who waits
 * before us in the queue, and not who only has an old snapshot (snapshots.c). Only sessions of clients are: a vacuum
 * makes way by itself, a WAL sender and the like are the server's. A prepared transaction has no session; a person must
 * decide about it.
 *
 * A statement at work is cancelled, which ends its transaction's locks too, and the client keeps its session. Who is
 * idle in a transaction cannot be cancelled, and who has been and holds its lock all the same (a savepoint, a client
 * that does not read) would not let go either: its session is ended. What is done is done by the server in the
 * statement that looks again, so that it never hits who came after. */
#include <stdio.h>
#include <string.h>

#include "applier/postgres/cutover.h"
#include "applier/postgres/ops.h"
#include "base/clock.h"
#include "base/log.h"

#define ENDED_MOST 1000

void pg_blockers_watch(struct target *t, struct blockers *blockers)
{
    t->blockers = blockers;
}

void pg_blockers_name(struct target *t, int pid, struct buf *out)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", pid);
    struct sc_error ignored;
    buf_clear(out);
    pg_name_sessions(t->control,
                     "SELECT DISTINCT CASE WHEN b.pid = 0 THEN 'a prepared transaction' WHEN a.pid IS NULL THEN 'pid ' "
                     "|| b.pid ELSE " SESSION_TEXT " END"
                     " FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1::pg_catalog.int4)) b(pid) LEFT JOIN "
                     "pg_catalog.pg_stat_activity a ON a.pid = b.pid",
                     1, (const char *[]){text}, out, &ignored);
}

/* --- ending them ---------------------------------------------------------------------------------------------------
 */

/* $1: our session, which waits; $2: the start of our sessions' names. Which modes conflict: manual, table 13.2. */
#define HOLDERS                                                                                                        \
    " FROM pg_catalog.pg_stat_activity a WHERE a.pid = ANY (pg_catalog.pg_blocking_pids($1::pg_catalog.int4))"         \
    " AND a.backend_type = 'client backend' AND a.datname = pg_catalog.current_database()"                             \
    " AND a.pid <> pg_catalog.pg_backend_pid() AND NOT pg_catalog.starts_with(a.application_name, $2)"                 \
    " AND EXISTS (SELECT FROM pg_catalog.pg_locks w JOIN pg_catalog.pg_locks h ON h.locktype = 'relation' AND "        \
    "h.database = w.database AND h.relation = w.relation WHERE w.pid = $1::pg_catalog.int4 AND NOT w.granted AND "     \
    "w.locktype = 'relation' AND h.pid = a.pid AND h.granted AND CASE w.mode WHEN 'AccessExclusiveLock' THEN true"     \
    " WHEN 'ShareRowExclusiveLock' THEN h.mode NOT IN ('AccessShareLock', 'RowShareLock')"                             \
    " WHEN 'ShareUpdateExclusiveLock' THEN h.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')"      \
    " ELSE false END)"

static const char holders_sql[] =
    "SELECT a.pid, a.backend_start, a.xact_start, a.state !~ '^idle', " SESSION_TEXT HOLDERS " ORDER BY a.xact_start";

/* Still the same session in the same transaction, and still in the way. */
#define THE_SAME                                                                                                       \
    HOLDERS " AND a.pid = $3::pg_catalog.int4 AND a.backend_start = $4::pg_catalog.timestamptz AND a.xact_start IS "   \
            "NOT DISTINCT FROM NULLIF($5, '')::pg_catalog.timestamptz"
static const char cancel_sql[] = "SELECT CASE WHEN pg_catalog.pg_cancel_backend(a.pid) THEN 1 END" THE_SAME;
static const char end_sql[] = "SELECT CASE WHEN pg_catalog.pg_terminate_backend(a.pid) THEN 1 END" THE_SAME;

/* One that was asked to stop before, and has not gone on to another transaction since. */
static bool asked_before(struct target *t, const char *session)
{
    bool before = strlist_has(&t->asked, session);
    if (!before)
        strlist_add(&t->asked, session);
    return before;
}

static void end_one(struct target *t, const char *waiting, const char *own, const PGresult *res, int row)
{
    char *pid = PQgetvalue(res, row, 0), *begun = PQgetvalue(res, row, 1), *since = PQgetvalue(res, row, 2);
    char *session = mem_printf("%s %s %s", pid, begun, since), *text = NULL, *done = NULL;
    bool before = asked_before(t, session);
    bool cancel = PQgetvalue(res, row, 3)[0] == 't' && !before;
    char *told = mem_printf("%s %s", cancel ? "cancelled" : "ended", session);
    struct sc_error err;
    if (pg_value(t->control, &err, &done, cancel ? cancel_sql : end_sql, 5,
                 (const char *[]){waiting, own, pid, begun, since}) != SC_OK) {
        if (!before)
            log_warn("%s is in the way of the cutover and cannot be ended: %s", PQgetvalue(res, row, 4), err.what);
    } else if (done && !asked_before(t, told)) { /* one that takes its time is told of once */
        text = mem_printf(cancel ? "the statement of %s was cancelled" : "%s was ended", PQgetvalue(res, row, 4));
        blockers_ended(t->blockers, text);
    }
    mem_free(text);
    mem_free(done);
    mem_free(told);
    mem_free(session);
}

void pg_blockers_end(struct target *t, int pid, int64_t until_us)
{
    char waiting[16];
    snprintf(waiting, sizeof(waiting), "%d", pid);
    char *own = mem_printf("%s ", t->server.application);
    PGresult *res = NULL;
    struct sc_error err;
    if (pg_query(t->control, &err, &res, holders_sql, 2, (const char *[]){waiting, own}) != SC_OK)
        log_debug("who is in the way: %s", err.what);
    for (int i = 0; res && i < PQntuples(res) && i < ENDED_MOST && clock_us() < until_us; i++)
        end_one(t, waiting, own, res, i);
    PQclear(res);
    mem_free(own);
}

/* --- may they be ended? --------------------------------------------------------------------------------------------
 */

/* Whoever can log in here may come to hold a lock on the table, be it by a view or a function. Of other roles' sessions
 * only members of pg_read_all_stats see which they are; sessions of superusers are theirs to end. */
static const char lacking_sql[] =
    "SELECT 'role ' || pg_catalog.quote_ident(session_user) || ' may not end sessions of other roles (' || "
    "pg_catalog.left(pg_catalog.string_agg(pg_catalog.quote_ident(r.rolname), ', ' ORDER BY r.rolname), 200) || '), as "
    "--kill-blockers asks for. GRANT ' || CASE WHEN pg_catalog.pg_has_role('pg_signal_backend', 'USAGE') THEN '' ELSE "
    "'pg_signal_backend' || CASE WHEN pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') THEN '' ELSE ', ' END END "
    "|| CASE WHEN pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') THEN '' ELSE 'pg_read_all_stats' END || ' TO ' "
    "|| pg_catalog.quote_ident(session_user) || ';' FROM pg_catalog.pg_roles r WHERE r.rolcanlogin AND NOT r.rolsuper "
    "AND pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CONNECT') AND NOT "
    "pg_catalog.pg_has_role(r.oid, 'USAGE') AND NOT (pg_catalog.pg_has_role('pg_signal_backend', 'USAGE') AND "
    "pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')) HAVING pg_catalog.count(*) > 0";

enum sc_result pg_blockers_may_end(struct target *t, struct strlist *refusals, struct sc_error *err)
{
    char *lacking = NULL;
    enum sc_result result = pg_value(t->control, err, &lacking, lacking_sql, 0, NULL);
    if (lacking)
        strlist_add(refusals, lacking);
    mem_free(lacking);
    return result;
}
