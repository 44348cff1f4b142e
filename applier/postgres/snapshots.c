/* Who still looks at the table as it was (correctness D9).
 *
 * The ghost's rows were written by the copy and by the applier, so a snapshot older than those writes does not see
 * them. A READ COMMITTED statement that waits for the swap takes a new snapshot when it goes on. A REPEATABLE READ
 * transaction keeps its own: coming to the table only after the swap, it would find it empty, or without the last
 * changes, and an UPDATE of such a row would find nothing. Whoever has come to the table before holds a lock on it and
 * keeps the cutover from its own.
 *
 * Which isolation a transaction has cannot be seen from outside; that it holds a snapshot can (backend_xmin). State,
 * kind and start of a session of another role are hidden from a role without pg_read_all_stats; backend_xmin is not. So
 * what is hidden counts as the worst it could be.
 *
 * What remains: a transaction whose first statement is one that waits for our lock has taken its snapshot before it
 * waits. It sees the new table without what was drained under the lock. A native ALTER that rewrites shows it an empty
 * table. */
#include <stdio.h>

#include "applier/postgres/cutover.h"
#include "base/clock.h"
#include "base/plant.h"

/* How long short statements that were under way are given to end, before and under the lock. */
#define BEFORE_MS 1000
#define UNDER_LOCK_MS 100
#define NAMED_MOST 5

/* Sessions that can hold a snapshot for long: not replication, not vacuum; parallel workers share their leader's. Our
 * own take each snapshot anew. $1 is the start of our sessions' names. */
#define OTHERS                                                                                                         \
    " a.datname = pg_catalog.current_database() AND a.usesysid IS NOT NULL AND a.backend_xmin IS NOT NULL"             \
    " AND COALESCE(a.backend_type, 'client backend') !~ '^(autovacuum|walsender|parallel|logical replication)'"        \
    " AND a.pid <> pg_catalog.pg_backend_pid() AND a.pid NOT IN (SELECT pid FROM pg_catalog.pg_stat_replication)"      \
    " AND NOT pg_catalog.starts_with(a.application_name, $1)"

static const char in_step_sql[] =
    "SELECT pg_catalog.clock_timestamp(), pg_catalog.pg_current_xact_id()::pg_catalog.text";

/* $2: id, $3, $4: when the ghost was first in step; $5: the table. */
static const char before_sql[] =
    "SELECT a.pid, " SESSION_TEXT ", EXISTS (SELECT FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_database d ON d.oid "
    "= l.database WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation' AND l.relation = $5::pg_catalog.oid "
    "AND d.datname = pg_catalog.current_database())"
    " FROM pg_catalog.pg_stat_activity a LEFT JOIN seachange.checkpoint k ON k.id = $2 "
    "WHERE" OTHERS " AND (COALESCE(pg_catalog.age(a.backend_xmin) > "
    "pg_catalog.age((k.fence_xid::pg_catalog.xid8)::pg_catalog.xid), false)"
    "  OR COALESCE(a.xact_start < $3::pg_catalog.timestamptz, pg_catalog.age(a.backend_xmin) > "
    "pg_catalog.age(($4::pg_catalog.xid8)::pg_catalog.xid)))"
    " ORDER BY a.xact_start";

static char *own_sessions(const struct session *s)
{
    return mem_printf("%s ", s->target->server.application);
}

static enum sc_result learn_in_step(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    if (t->in_step_xid)
        return SC_OK;
    PGresult *res = NULL;
    enum sc_result result = pg_query(s->conn, err, &res, in_step_sql, 0, NULL);
    if (result == SC_OK) {
        t->in_step_at = arena_strdup(&t->arena, PQgetvalue(res, 0, 0));
        t->in_step_xid = arena_strdup(&t->arena, PQgetvalue(res, 0, 1));
    }
    PQclear(res);
    return result;
}

/* Names those that are to be waited for. Where blockers are to be ended, those that hold the table are not: they keep
 * the cutover from its lock, and have to be gone when it is granted. Under the lock only such are looked for: one that
 * is still there has let go of the table by a savepoint. */
static enum sc_result add_old(struct session *s, bool under_lock, struct buf *names, struct sc_error *err)
{
    struct target *t = s->target;
    char *own = own_sessions(s), source[16];
    snprintf(source, sizeof(source), "%u", t->source.oid);
    PGresult *res = NULL;
    enum sc_result result = pg_query(s->conn, err, &res, before_sql, 5,
                                     (const char *[]){own, t->migration.id, t->in_step_at, t->in_step_xid, source});
    if (!under_lock)
        strlist_fini(&t->passed);
    int named = 0;
    for (int i = 0; result == SC_OK && i < PQntuples(res); i++) {
        const char *pid = PQgetvalue(res, i, 0);
        bool holds = t->spec.kill_blockers_ms > 0 && PQgetvalue(res, i, 2)[0] == 't';
        if (!under_lock && holds)
            strlist_add(&t->passed, pid);
        else if ((!under_lock || strlist_has(&t->passed, pid)) && named++ < NAMED_MOST)
            buf_printf(names, "%s%s", names->len ? ", " : "", PQgetvalue(res, i, 1));
    }
    if (named > NAMED_MOST)
        buf_printf(names, " and %d more", named - NAMED_MOST);
    PQclear(res);
    mem_free(own);
    return result;
}

static enum sc_result refuse_old(struct buf *names, struct sc_error *err)
{
    error_set(err, SC_RETRY,
              "transactions from before the new table was in step are still open; under REPEATABLE READ they would see "
              "it incomplete: %s",
              buf_cstr(names));
    return error_hint(err, "The cutover waits for them. Let them end, or end them.");
}

enum sc_result pg_snapshots_before(struct session *s, struct sc_error *err)
{
    if (PLANTED(D9_SNAPSHOTS_FROM_BEFORE))
        return SC_OK;
    enum sc_result result = learn_in_step(s, err);
    struct buf names = {0};
    int64_t until = clock_us() + BEFORE_MS * 1000;
    while (result == SC_OK) {
        buf_clear(&names);
        result = add_old(s, false, &names, err);
        if (names.len == 0 || clock_us() > until)
            break;
        clock_sleep_ms(20);
    }
    if (result == SC_OK && names.len > 0)
        result = refuse_old(&names, err);
    buf_fini(&names);
    return result;
}

static enum sc_result check_passed(struct session *s, struct sc_error *err)
{
    struct buf names = {0};
    enum sc_result result = s->target->passed.count > 0 ? add_old(s, true, &names, err) : SC_OK;
    if (result == SC_OK && names.len > 0)
        result = refuse_old(&names, err);
    buf_fini(&names);
    return result;
}

/* Idle between two statements and yet holding a snapshot: that is REPEATABLE READ (or an open cursor). At work with a
 * snapshot can be any statement on another table; it is let through where the state shows that it is at work. Who waits
 * for one of our locks has not looked yet. */
static const char suspects_sql[] =
    "SELECT a.pid FROM pg_catalog.pg_stat_activity a WHERE" OTHERS
    " AND COALESCE(a.state, 'idle in transaction') = 'idle in transaction'"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_locks w JOIN pg_catalog.pg_locks o ON o.relation = w.relation AND "
    "o.database = w.database WHERE w.pid = a.pid AND NOT w.granted AND o.granted AND o.pid = "
    "pg_catalog.pg_backend_pid())";

/* The suspects that have held a snapshot ever since: $2 are their numbers, $3 is when they were first seen. */
static const char still_sql[] =
    "SELECT a.pid, " SESSION_TEXT ", a.state IS NULL FROM pg_catalog.pg_stat_activity a WHERE" OTHERS
    " AND a.pid = ANY ($2::pg_catalog.int4[]) AND COALESCE(a.xact_start <= $3::pg_catalog.timestamptz, true)";

static void add_pids(const PGresult *res, struct buf *out)
{
    buf_clear(out);
    buf_char(out, '{');
    for (int i = 0; i < PQntuples(res); i++)
        buf_printf(out, "%s%s", i ? "," : "", PQgetvalue(res, i, 0));
    buf_char(out, '}');
}

static enum sc_result refuse_open(const PGresult *res, struct sc_error *err)
{
    struct buf names = {0};
    bool hidden = false;
    for (int i = 0; i < PQntuples(res); i++) {
        if (i < 5)
            buf_printf(&names, "%s%s", i ? ", " : "", PQgetvalue(res, i, 1));
        hidden |= PQgetvalue(res, i, 2)[0] == 't';
    }
    if (PQntuples(res) > 5)
        buf_printf(&names, " and %d more", PQntuples(res) - 5);
    error_set(err, SC_RETRY,
              "open transactions hold a snapshot from before the swap (REPEATABLE READ) and could come to the table "
              "after it: %s",
              buf_cstr(&names));
    if (hidden)
        error_hint(err, "Whether they are idle is hidden from this role; to let it tell harmless ones apart: GRANT "
                        "pg_read_all_stats.");
    else
        error_hint(err, "The cutover waits for a moment without them. Let them end, or end them.");
    buf_fini(&names);
    return SC_RETRY;
}

enum sc_result pg_snapshots_under_lock(struct session *s, struct sc_error *err)
{
    if (PLANTED(D9_SNAPSHOTS_UNDER_LOCK) || PLANTED(D9_SNAPSHOTS_FROM_BEFORE))
        return SC_OK;
    char *own = own_sessions(s), *now = NULL;
    struct buf pids = {0};
    PGresult *res = NULL;
    enum sc_result result = check_passed(s, err);
    if (result == SC_OK)
        result = pg_query(s->conn, err, &res, suspects_sql, 1, (const char *[]){own});
    int left = result == SC_OK ? PQntuples(res) : 0;
    if (left > 0) {
        add_pids(res, &pids);
        result = pg_value(s->conn, err, &now, "SELECT pg_catalog.clock_timestamp()", 0, NULL);
    }
    int64_t until = clock_us() + UNDER_LOCK_MS * 1000;
    /* A suspect that is seen once without its snapshot is none. Coming to wait for our lock meanwhile does not acquit:
     * its snapshot is older than that. */
    while (result == SC_OK && left > 0) {
        PQclear(res);
        result = pg_query(s->conn, err, &res, still_sql, 3, (const char *[]){own, buf_cstr(&pids), now});
        if (result != SC_OK)
            break;
        left = PQntuples(res);
        add_pids(res, &pids);
        if (left > 0 && clock_us() > until)
            result = refuse_open(res, err);
        else if (left > 0)
            clock_sleep_ms(5);
    }
    PQclear(res);
    mem_free(now);
    mem_free(own);
    buf_fini(&pids);
    return result;
}
