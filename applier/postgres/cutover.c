/* The cutover: one transaction that puts the ghost in the source's place.
 *
 *   lock    everything that is going to be changed (lock.c). Whoever had a lock on the source has written its commit
 *           record before ours is granted, so everything is in the log before what is written to the log from now on.
 *   drain   (driver) a marker is written and flushed on another connection, and everything up to it is applied on this
 *           one, in this transaction.
 *   check   the catalog says of the source what it said when the ghost was made, both are where they were, and nobody
 *           looks at the table as it was (snapshots.c). Nobody can change it any more.
 *   swap    both tables change their schema; what binds others to the table is bound to the new one; the stored phase
 *           says so, if it is still ours to say. All in one round trip: writers are waiting.
 *   commit  all of it or nothing. Who was waiting for the lock looks the name up again and finds the new table.
 *
 * If the connection is lost while COMMIT is under way, which of the two it was is read from the tables: the name means
 * the ghost, or it means the source. */
#include "applier/postgres/cutover.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/postgres/ghost.h"
#include "applier/postgres/ops.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/plant.h"

/* How long the outcome waits for our lost session to end on the server. */
#define OUTCOME_WITHIN_MS 30000

/* Names a statement of the swap for the one who reads that it failed. */
#define STEP_COLUMN "seachange_step"

static enum sc_result changed(struct target *t, const char *what, struct sc_error *err)
{
    error_set(err, SC_FAIL, "%s %s.%s while it was being migrated", what, t->source.schema, t->source.name);
    return error_hint(err,
                      "Nothing was swapped; the table is as they left it. Run `seachange abort %s` and start again.",
                      t->migration.id);
}

/* Sequences that belonged to columns were let go before (carry.c); one that somebody gave to a column since would go
 * away with the old table. Those of columns that the ALTER drops do so rightly. */
static const char owned_since_sql[] =
    "SELECT 1 FROM (SELECT attnum, pg_catalog.row_number() OVER (ORDER BY attnum) AS place FROM "
    "pg_catalog.pg_attribute "
    "WHERE attrelid = $1::pg_catalog.oid AND attnum > 0 AND NOT attisdropped) a"
    " JOIN pg_catalog.pg_attribute g ON g.attrelid = $2::pg_catalog.oid AND g.attnum = a.place AND NOT g.attisdropped"
    " JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = "
    "$1::pg_catalog.oid AND d.refobjsubid = a.attnum"
    "  AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'a'"
    " JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S' LIMIT 1";

static enum sc_result check_under_lock(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    char *fingerprint = NULL, *there = NULL, *owned = NULL, source[16], ghost[16];
    snprintf(source, sizeof(source), "%u", t->source.oid);
    snprintf(ghost, sizeof(ghost), "%u", t->ghost_oid);
    /* How the server writes a definition depends on the path; the fingerprint was made with none. */
    enum sc_result result = pg_set_path(s->conn, "", NULL, err);
    if (result == SC_OK)
        result = pg_fingerprint(s->conn, t->source.oid, &fingerprint, err);
    if (result == SC_OK && (!fingerprint || !t->fingerprint || strcmp(fingerprint, t->fingerprint) != 0) &&
        !PLANTED(B9_DEFINITION_NOT_COMPARED) && !PLANTED(B9_DEFINITION_NOT_COMPARED_UNDER_LOCK))
        result = changed(t, "somebody changed the definition of table", err);
    if (result == SC_OK)
        result = pg_value(s->conn, err, &there,
                          "SELECT 1 FROM pg_catalog.pg_class s, pg_catalog.pg_class g WHERE s.oid = "
                          "$1::pg_catalog.oid AND g.oid = $2::pg_catalog.oid AND g.relname = s.relname AND "
                          "g.relnamespace = pg_catalog.to_regnamespace($3) AND EXISTS (SELECT FROM "
                          "pg_catalog.pg_locks l WHERE l.pid = pg_catalog.pg_backend_pid() AND l.relation = s.oid AND "
                          "l.mode = 'AccessExclusiveLock' AND l.granted)",
                          3, (const char *[]){source, ghost, t->ghost_schema});
    if (result == SC_OK && !there)
        result = changed(t, "somebody moved or renamed table", err);
    if (result == SC_OK)
        result = pg_value(s->conn, err, &owned, owned_since_sql, 2, (const char *[]){source, ghost});
    if (result == SC_OK && owned)
        result = changed(t, "somebody gave a sequence to a column of table", err);
    mem_free(fingerprint);
    mem_free(there);
    mem_free(owned);
    return result == SC_OK ? pg_snapshots_under_lock(s, err) : result;
}

/* --- the swap
 * ----------------------------------------------------------------------------------------------------------- */

static void add_step(struct buf *b, int step)
{
    buf_printf(b, "; SELECT %d AS " STEP_COLUMN "; ", step);
}

static void add_stage(struct buf *b, const struct target *t, enum pg_stage stage)
{
    for (int i = 0; i < t->ntodo; i++) {
        if (t->todo[i].stage == stage) {
            add_step(b, i);
            buf_str(b, t->todo[i].sql);
        }
    }
    add_step(b, -1);
}

static void add_swap(struct buf *b, const struct target *t)
{
    buf_printf(b, "CREATE SCHEMA %s; COMMENT ON SCHEMA %s IS 'seachange migration %s'", t->old_schema, t->old_schema,
               t->migration.id);
    buf_printf(b, "; SET LOCAL search_path = %s, ", t->ghost_schema);
    pg_add_ident(b, t->source.schema);
    add_stage(b, t, STAGE_SWAP_BEFORE);
    buf_str(b, "ALTER TABLE ");
    pg_add_qualified(b, t->source.schema, t->source.name);
    buf_printf(b, " SET SCHEMA %s; ALTER TABLE ", t->old_schema);
    pg_add_qualified(b, t->ghost_schema, t->source.name);
    buf_str(b, " SET SCHEMA ");
    pg_add_ident(b, t->source.schema);
    buf_str(b, "; SET LOCAL search_path = ");
    pg_add_ident(b, t->source.schema);
    add_stage(b, t, STAGE_SWAP);
    buf_str(b, "SET LOCAL search_path = ''; SELECT pg_catalog.pg_logical_emit_message(true, ");
    pg_add_literal(b, t->message_prefix);
    buf_printf(b,
               ", 'swap'); UPDATE seachange.migration SET phase = 'cleanup', updated_at = pg_catalog.clock_timestamp() "
               "WHERE id = '%s' AND token %s %" PRIu64,
               t->migration.id, PLANTED(C5_SWAP_WITHOUT_TOKEN) ? ">=" : "=", t->token);
}

static enum sc_result run_swap(struct session *s, const char *sql, struct sc_error *err)
{
    struct target *t = s->target;
    if (PQsendQuery(s->conn->pg, sql) != 1)
        return pg_failed(s->conn, NULL, err);
    enum sc_result result = SC_OK;
    int step = -1;
    char updated[16] = "";
    PGresult *res;
    while ((res = PQgetResult(s->conn->pg))) {
        ExecStatusType status = PQresultStatus(res);
        if (status == PGRES_TUPLES_OK && PQntuples(res) == 1 && strcmp(PQfname(res, 0), STEP_COLUMN) == 0)
            step = (int)strtol(PQgetvalue(res, 0, 0), NULL, 10);
        else if (status == PGRES_COMMAND_OK)
            snprintf(updated, sizeof(updated), "%s", PQcmdStatus(res));
        else if (result == SC_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
            result = pg_failed(s->conn, res, err);
        PQclear(res);
    }
    if (result != SC_OK && step >= 0 && step < t->ntodo)
        error_wrap(err, "%s", t->todo[step].name);
    if (result == SC_OK && strcmp(updated, "UPDATE 1") != 0)
        result = error_set(err, SC_FENCED, "another seachange has taken migration %s over; this one swaps nothing",
                           t->migration.id);
    return result;
}

static enum sc_result swap_tables(struct session *s, struct sc_error *err)
{
    struct buf sql = {0};
    /* Others wait for us by now: see lock.c for how long we may wait for them. */
    buf_printf(&sql, "SET LOCAL lock_timeout = '%dms'; SET CONSTRAINTS ALL IMMEDIATE; ", pg_cutover_may_wait_ms(s));
    add_swap(&sql, s->target);
    enum sc_result result = run_swap(s, buf_cstr(&sql), err);
    buf_fini(&sql);
    return result;
}

static enum sc_result commit(struct session *s, struct sc_error *err)
{
    PGresult *res = PQexec(s->conn->pg, "COMMIT");
    const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
    enum sc_result result;
    if (PQresultStatus(res) == PGRES_COMMAND_OK && strcmp(PQcmdStatus(res), "COMMIT") == 0) {
        result = SC_OK;
    } else if (PQresultStatus(res) == PGRES_COMMAND_OK) {
        result = error_set(err, SC_RETRY, "the server answered %s to COMMIT", PQcmdStatus(res));
    } else if (pg_alive(s->conn) && severity && strcmp(severity, "ERROR") == 0) {
        /* It answered, and it was no: deferred constraints and serialization show only now. */
        result = pg_failed(s->conn, res, err);
    } else {
        pg_failed(s->conn, res, err);
        error_wrap(err, "the connection was lost while the swap was being committed");
        result = SC_UNKNOWN;
        if (err)
            err->result = result;
    }
    PQclear(res);
    return result;
}

enum sc_result pg_cutover_swap(struct session *s, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    FAILPOINT(result, cutover_after_drain, err);
    if (result == SC_OK)
        result = check_under_lock(s, err);
    FAILPOINT(result, cutover_checked, err);
    if (result == SC_OK)
        result = swap_tables(s, err);
    FAILPOINT(result, cutover_before_swap, err);
    if (result == SC_OK)
        result = commit(s, err);
    if (result == SC_OK)
        FAILPOINT_PASS(cutover_after_swap);
    s->in_cutover = false;
    if (result == SC_OK) {
        s->target->migration.phase = PHASE_CLEANUP;
        return SC_OK;
    }
    if (result != SC_UNKNOWN) {
        pg_cutover_unlock(s);
        error_wrap(err, "nothing was swapped");
    }
    return result;
}

/* --- how it went
 * -------------------------------------------------------------------------------------------------------- */

/* Our session is gone for us, but the server may not have noticed: it can be committing, or holding the table with
 * nobody to tell it what to do. It is ended, and only what stands when it is gone is the outcome. */
static enum sc_result end_cutover_sessions(struct target *t, struct pg_conn *conn, bool *gone, struct sc_error *err)
{
    char *name = mem_printf("seachange %s cutover", t->migration.id), *left = NULL;
    int64_t deadline = clock_us() + OUTCOME_WITHIN_MS * 1000;
    enum sc_result result;
    for (;;) {
        result = pg_value(conn, err, &left,
                          "SELECT NULLIF(pg_catalog.count(pg_catalog.pg_terminate_backend(pid)), 0) FROM "
                          "pg_catalog.pg_stat_activity WHERE application_name = $1 AND datname = "
                          "pg_catalog.current_database() AND backend_type = 'client backend'",
                          1, (const char *[]){name});
        if (result != SC_OK || !left || clock_us() > deadline)
            break;
        mem_free(left);
        clock_sleep_ms(20);
    }
    *gone = result == SC_OK && !left;
    mem_free(left);
    mem_free(name);
    return result;
}

enum sc_result pg_cutover_outcome(struct target *t, enum swap_outcome *out, struct sc_error *err)
{
    *out = SWAP_UNPROVEN;
    struct pg_conn *conn = NULL;
    enum sc_result result = pg_open(&t->server, "outcome", PG_DDL, &conn, err);
    if (result != SC_OK)
        return result;
    bool gone = false;
    char *name = pg_qualified(t->source.schema, t->source.name), *oid = NULL;
    result = end_cutover_sessions(t, conn, &gone, err);
    FAILPOINT(result, cutover_outcome, err);
    if (result == SC_OK && gone)
        result =
            pg_value(conn, err, &oid, "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", 1, (const char *[]){name});
    if (result == SC_OK && oid) {
        Oid now = (Oid)strtoul(oid, NULL, 10);
        *out = now == t->ghost_oid ? SWAP_DONE : now == t->source.oid ? SWAP_NOT_DONE : SWAP_UNPROVEN;
    }
    mem_free(oid);
    mem_free(name);
    pg_close(conn);
    return result;
}
