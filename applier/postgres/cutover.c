/* The cutover: one transaction that puts the ghost in the source's place.
 *
 *   lock     the source, and the tables whose foreign keys point to it, ACCESS EXCLUSIVE, and the parents of its
 * foreign keys against writers. Tries are short: who waits for such a lock blocks everybody behind it, readers too.
 * Whoever had a lock on the source has written its commit record before the lock is granted, so everything is in the
 * log before what is written to the log now. drain    (driver) a marker is written and flushed on another connection,
 * and everything up to it is applied on this one. check    the catalog says of the source what it said when the ghost
 * was made. Nobody can change it any more. swap     both tables change their schema; what binds others to the table is
 * bound to the new one; state says so. commit   all of it or nothing. Who was waiting for the lock looks the name up
 * again and finds the new table.
 *
 * If the connection is lost while COMMIT is under way, which of the two it was is read from the tables: the name means
 * the ghost, or it means the source. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/postgres/apply.h"
#include "applier/postgres/ghost.h"
#include "applier/postgres/ops.h"
#include "base/clock.h"

/* How long the outcome waits for a connection of ours, of which the server has not noticed that it is gone, to end. */
#define OUTCOME_WITHIN_MS 30000

static void table_oids(const struct target *t, char source[static 16], char ghost[static 16])
{
    snprintf(source, 16, "%u", t->source.oid);
    snprintf(ghost, 16, "%u", t->ghost_oid);
}

/* Sessions, by a query that yields (pid, role, age in seconds, state); never what they run: it can hold values. */
static enum sc_result name_sessions(struct pg_conn *conn, const char *sql, int nparams, const char *const *params,
                                    struct buf *out, struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = pg_query(conn, err, &res, sql, nparams, params);
    for (int i = 0; result == SC_OK && i < PQntuples(res) && i < 5; i++)
        buf_printf(out, "%spid %s (%s, %s, transaction open for %s s)", i ? ", " : "", PQgetvalue(res, i, 0),
                   PQgetvalue(res, i, 1), PQgetvalue(res, i, 3), PQgetvalue(res, i, 2));
    if (result == SC_OK && PQntuples(res) > 5)
        buf_printf(out, " and %d more", PQntuples(res) - 5);
    PQclear(res);
    return result;
}

#define SESSION_COLUMNS                                                                                                \
    "a.pid, COALESCE(a.usename, a.backend_type), COALESCE(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - "          \
    "a.xact_start), 0)::pg_catalog.int8,"                                                                              \
    " COALESCE(a.state, a.backend_type)"

/* Snapshots older than the ghost's rows would see an empty table, or a part of one (correctness D9). */
static const char old_snapshots_sql[] =
    "SELECT " SESSION_COLUMNS
    " FROM pg_catalog.pg_stat_activity a, seachange.checkpoint k WHERE k.id = $1 AND k.fence_xid IS NOT NULL"
    " AND a.datname = pg_catalog.current_database() AND a.backend_type = 'client backend' AND a.backend_xmin IS NOT "
    "NULL"
    " AND a.pid <> pg_catalog.pg_backend_pid() AND pg_catalog.age(a.backend_xmin) > "
    "pg_catalog.age((k.fence_xid::pg_catalog.xid8)::pg_catalog.xid)";

static const char wraparound_sql[] =
    "SELECT " SESSION_COLUMNS
    " FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_locks l ON l.pid = a.pid AND l.locktype = 'relation'"
    " AND l.relation IN ($1::pg_catalog.oid, $2::pg_catalog.oid) WHERE a.backend_type = 'autovacuum worker' AND "
    "a.query ~ 'to prevent wraparound'";

static const char prepared_sql[] = "SELECT DISTINCT x.gid, x.owner, EXTRACT(epoch FROM pg_catalog.clock_timestamp() - "
                                   "x.prepared)::pg_catalog.int8, 'prepared transaction'"
                                   " FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_prepared_xacts x ON l.pid IS NULL "
                                   "AND l.relation = $1::pg_catalog.oid AND x.database = pg_catalog.current_database()"
                                   " AND l.virtualtransaction = '-1/' || x.transaction::pg_catalog.text";

enum sc_result pg_cutover_ready(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    char source[16], ghost[16];
    table_oids(t, source, ghost);
    struct buf names = {0};
    enum sc_result result = name_sessions(s->conn, wraparound_sql, 2, (const char *[]){source, ghost}, &names, err);
    if (result == SC_OK && names.len > 0)
        result = error_set(err, SC_RETRY, "an autovacuum to prevent wraparound is at work on the table: %s",
                           buf_cstr(&names));
    if (result == SC_OK)
        result = name_sessions(s->conn, prepared_sql, 1, (const char *[]){source}, &names, err);
    if (result == SC_OK && names.len > 0) {
        result = error_set(err, SC_RETRY, "a prepared transaction holds a lock on the table: %s", buf_cstr(&names));
        error_hint(err, "COMMIT PREPARED or ROLLBACK PREPARED it.");
    }
    if (result == SC_OK)
        result = name_sessions(s->conn, old_snapshots_sql, 1, (const char *[]){t->migration.id}, &names, err);
    if (result == SC_OK && names.len > 0) {
        result = error_set(err, SC_RETRY,
                           "a snapshot older than the new table's rows is still in use; its transaction would see an "
                           "incomplete table: %s",
                           buf_cstr(&names));
        error_hint(err, "End that transaction.");
    }
    buf_fini(&names);
    if (result == SC_OK)
        result = pg_stage_open(s, err);
    return result;
}

/* The statements that lock: the source and its children first, in the order of their OIDs, then parents, whose writers
 * only have to wait for a foreign key to be added. */
static enum sc_result lock_statement(struct session *s, char **out, struct sc_error *err)
{
    char source[16], ghost[16];
    table_oids(s->target, source, ghost);
    return pg_value(s->conn, err, out,
                    "SELECT (SELECT 'LOCK TABLE ' || pg_catalog.string_agg('ONLY ' || oid::pg_catalog.regclass, ', ' "
                    "ORDER BY oid) || ' IN ACCESS EXCLUSIVE MODE'"
                    "  FROM (SELECT $1::pg_catalog.oid AS oid UNION SELECT conrelid FROM pg_catalog.pg_constraint "
                    "WHERE contype = 'f' AND confrelid = $1::pg_catalog.oid) x)"
                    " || COALESCE((SELECT '; LOCK TABLE ' || pg_catalog.string_agg('ONLY ' || "
                    "oid::pg_catalog.regclass, ', ' ORDER BY oid) || ' IN SHARE ROW EXCLUSIVE MODE'"
                    "  FROM (SELECT DISTINCT confrelid AS oid FROM pg_catalog.pg_constraint WHERE contype = 'f' AND "
                    "conrelid = $1::pg_catalog.oid AND confrelid <> $1::pg_catalog.oid) y), '')",
                    1, (const char *[]){source});
}

static void name_blockers(struct session *s, struct buf *names)
{
    char source[16], ghost[16];
    table_oids(s->target, source, ghost);
    struct sc_error ignored;
    name_sessions(s->conn,
                  "SELECT DISTINCT " SESSION_COLUMNS
                  " FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
                  " WHERE l.granted AND l.relation = $1::pg_catalog.oid AND l.locktype = 'relation' AND a.pid <> "
                  "pg_catalog.pg_backend_pid()"
                  " AND a.xact_start < pg_catalog.clock_timestamp() - interval '0.1 s' ORDER BY 3 DESC",
                  1, (const char *[]){source}, names, &ignored);
}

/* An ordinary autovacuum gives way to who waits for its lock, but only after deadlock_timeout (manual, 25.1.6), which
 * is longer than a try. Who may (superusers, from 15 on by grant) shortens it for this transaction; who may not waits
 * longer when it is an autovacuum that is in the way. */
static enum sc_result give_way_setting(struct session *s, int *timeout_ms, struct sc_error *err)
{
    char source[16], ghost[16];
    table_oids(s->target, source, ghost);
    PGresult *res = NULL;
    enum sc_result result =
        pg_query(s->conn, err, &res,
                 s->target->server.version >= 150000
                     ? "SELECT pg_catalog.has_parameter_privilege('deadlock_timeout', 'SET'), $1::pg_catalog.oid"
                     : "SELECT pg_catalog.current_setting('is_superuser') = 'on', $1::pg_catalog.oid",
                 1, (const char *[]){source});
    bool may = result == SC_OK && PQgetvalue(res, 0, 0)[0] == 't';
    PQclear(res);
    if (result != SC_OK || may)
        return result == SC_OK ? pg_run(s->conn, err, "SET LOCAL deadlock_timeout = '20ms'") : result;
    char *after = NULL;
    result =
        pg_value(s->conn, err, &after,
                 "SELECT EXTRACT(epoch FROM pg_catalog.current_setting('deadlock_timeout')::pg_catalog.interval) * 1000"
                 " FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
                 " WHERE l.granted AND l.locktype = 'relation' AND l.relation = $1::pg_catalog.oid"
                 " AND a.backend_type = 'autovacuum worker' LIMIT 1",
                 1, (const char *[]){source});
    if (after && strtol(after, NULL, 10) + 300 > *timeout_ms)
        *timeout_ms = (int)strtol(after, NULL, 10) + 300;
    mem_free(after);
    return result;
}

enum sc_result pg_cutover_lock(struct session *s, int timeout_ms, struct sc_error *err)
{
    char *sql = NULL;
    enum sc_result result = lock_statement(s, &sql, err);
    if (result == SC_OK)
        result = pg_run(s->conn, err, "BEGIN");
    if (result == SC_OK)
        result = give_way_setting(s, &timeout_ms, err);
    if (result == SC_OK)
        result = pg_runf(s->conn, err, "SET LOCAL lock_timeout = '%dms'", timeout_ms);
    if (result == SC_OK) {
        s->in_cutover = true;
        result = pg_run(s->conn, err, sql);
    }
    mem_free(sql);
    if (result == SC_OK)
        return SC_OK;
    pg_cutover_unlock(s);
    if (pg_sqlstate_is(err, "55P03") && pg_alive(s->conn)) {
        struct buf names = {0};
        name_blockers(s, &names);
        error_set(err, SC_RETRY, "the lock on %s.%s was not granted within %d ms%s%s", s->target->source.schema,
                  s->target->source.name, timeout_ms, names.len ? "; it is held by " : "", buf_cstr(&names));
        buf_fini(&names);
    }
    return result;
}

void pg_cutover_unlock(struct session *s)
{
    if (pg_alive(s->conn) && PQtransactionStatus(s->conn->pg) != PQTRANS_IDLE)
        pg_run(s->conn, NULL, "ROLLBACK");
    s->in_cutover = false;
}

/* REPEATABLE READ transactions that began before now and look at the table only after the swap would see it as it stood
 * a moment ago, without what was drained just now. They are idle between statements, or at work elsewhere; those that
 * wait for our lock have not looked yet and are let through. */
static const char recent_snapshots_sql[] =
    "SELECT " SESSION_COLUMNS " FROM pg_catalog.pg_stat_activity a WHERE a.datname = pg_catalog.current_database() AND "
    "a.backend_type = 'client backend'"
    " AND a.backend_xmin IS NOT NULL AND a.state = 'idle in transaction' AND a.pid <> pg_catalog.pg_backend_pid()";

static enum sc_result check_under_lock(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    char *fingerprint = NULL;
    enum sc_result result = pg_fingerprint(s->conn, t->source.oid, &fingerprint, err);
    if (result == SC_OK && (!fingerprint || !t->fingerprint || strcmp(fingerprint, t->fingerprint) != 0)) {
        result = error_set(err, SC_FAIL, "somebody changed the definition of table %s.%s while it was being migrated",
                           t->source.schema, t->source.name);
        error_hint(err, "Nothing was swapped; the table is as they left it. Run `seachange abort %s` and start again.",
                   t->migration.id);
    }
    mem_free(fingerprint);
    struct buf names = {0};
    if (result == SC_OK)
        result = name_sessions(s->conn, recent_snapshots_sql, 0, NULL, &names, err);
    if (result == SC_OK && names.len > 0)
        result = error_set(
            err, SC_RETRY,
            "a REPEATABLE READ transaction that began before the swap would see the new table as it was then: %s",
            buf_cstr(&names));
    buf_fini(&names);
    return result;
}

static enum sc_result run_stage(struct session *s, enum pg_stage stage, struct sc_error *err)
{
    struct target *t = s->target;
    struct buf sql = {0};
    for (int i = 0; i < t->ntodo; i++)
        if (t->todo[i].stage == stage)
            buf_printf(&sql, "%s; ", t->todo[i].sql);
    /* All of them in one round trip: writers are waiting. */
    enum sc_result result = sql.len ? pg_run(s->conn, err, buf_cstr(&sql)) : SC_OK;
    buf_fini(&sql);
    return result;
}

static enum sc_result swap_tables(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    char *source = pg_qualified(t->source.schema, t->source.name),
         *ghost = pg_qualified(t->ghost_schema, t->source.name);
    char *schema = pg_ident(t->source.schema);
    enum sc_result result = pg_runf(s->conn, err, "CREATE SCHEMA %s; COMMENT ON SCHEMA %s IS 'seachange migration %s'",
                                    t->old_schema, t->old_schema, t->migration.id);
    if (result == SC_OK)
        result = run_stage(s, STAGE_SWAP_BEFORE, err);
    if (result == SC_OK)
        result = pg_runf(s->conn, err, "ALTER TABLE %s SET SCHEMA %s; ALTER TABLE %s SET SCHEMA %s", source,
                         t->old_schema, ghost, schema);
    if (result == SC_OK)
        result = pg_set_path(s->conn, t->source.schema, NULL, err);
    if (result == SC_OK)
        result = run_stage(s, STAGE_SWAP, err);
    if (result == SC_OK)
        result = pg_set_path(s->conn, "", NULL, err);
    mem_free(source);
    mem_free(ghost);
    mem_free(schema);
    return result;
}

static enum sc_result record_swap(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    char token[24];
    snprintf(token, sizeof(token), "%" PRIu64, t->token);
    char *one = NULL;
    enum sc_result result =
        pg_value(s->conn, err, &one,
                 "UPDATE seachange.migration SET phase = 'cleanup', updated_at = pg_catalog.clock_timestamp()"
                 " WHERE id = $1 AND token = $2::pg_catalog.int8 RETURNING 1",
                 2, (const char *[]){t->migration.id, token});
    if (result == SC_OK && !one)
        result = error_set(err, SC_FAIL, "another seachange has taken migration %s over; this one swaps nothing",
                           t->migration.id);
    mem_free(one);
    return result;
}

enum sc_result pg_cutover_swap(struct session *s, struct sc_error *err)
{
    enum sc_result result = check_under_lock(s, err);
    if (result == SC_OK)
        result = swap_tables(s, err);
    if (result == SC_OK)
        result = record_swap(s, err);
    if (result != SC_OK) {
        pg_cutover_unlock(s);
        error_wrap(err, "nothing was swapped");
        return result;
    }
    result = pg_run(s->conn, err, "COMMIT");
    s->in_cutover = false;
    if (result == SC_OK) {
        s->target->migration.phase = PHASE_CLEANUP;
        return SC_OK;
    }
    if (pg_alive(s->conn)) {
        /* The server answered, and it was no: it has rolled back. Deferred constraints and serialization show only now.
         */
        pg_cutover_unlock(s);
        error_wrap(err, "nothing was swapped");
        return result;
    }
    error_wrap(err, "the connection was lost while the swap was being committed");
    err->result = SC_UNKNOWN;
    return SC_UNKNOWN;
}

enum sc_result pg_cutover_outcome(struct target *t, enum swap_outcome *out, struct sc_error *err)
{
    *out = SWAP_UNPROVEN;
    struct pg_conn *conn = NULL;
    enum sc_result result = pg_open(&t->server, "outcome", PG_DDL, &conn, err);
    if (result != SC_OK)
        return result;
    char *pattern = mem_printf("seachange %s cutover", t->migration.id), *busy = NULL;
    int64_t deadline = clock_us() + OUTCOME_WITHIN_MS * 1000;
    /* A session that may still be committing must be gone before its result can be read. */
    do {
        mem_free(busy);
        result = pg_value(conn, err, &busy,
                          "SELECT 1 FROM pg_catalog.pg_stat_activity WHERE application_name = $1 AND backend_type = "
                          "'client backend' LIMIT 1",
                          1, (const char *[]){pattern});
        if (result == SC_OK && busy)
            clock_sleep_ms(50);
    } while (result == SC_OK && busy && clock_us() < deadline);
    mem_free(pattern);
    char *name = pg_qualified(t->source.schema, t->source.name), *oid = NULL;
    if (result == SC_OK && !busy)
        result =
            pg_value(conn, err, &oid, "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", 1, (const char *[]){name});
    if (result == SC_OK && oid) {
        Oid now = (Oid)strtoul(oid, NULL, 10);
        *out = now == t->ghost_oid ? SWAP_DONE : now == t->source.oid ? SWAP_NOT_DONE : SWAP_UNPROVEN;
    }
    mem_free(busy);
    mem_free(oid);
    mem_free(name);
    pg_close(conn);
    return result;
}
