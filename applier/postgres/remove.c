/* Removing what is ours: after the swap (finish) or instead of it (abort). Every step may be done twice, and looks
 * before it removes: a schema is ours when its comment says so, and is dropped only when nothing of anybody else is in
 * it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/postgres/ghost.h"
#include "applier/postgres/ops.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "cdc/postgres/slot.h"

/* Dropping the old table waits for readers that still use it; tries are short. */
#define DROP_TRIES 60
#define DROP_LOCK_TIMEOUT "'500ms'"

/* What is done after the swap waits for locks so long, so often. */
#define POST_LOCK_FIRST_MS 100
#define POST_LOCK_MAX_MS 3000
#define POST_TRIES 30

static char *application_prefix(const struct target *t)
{
    return mem_printf("seachange %s", t->migration.id);
}

/* A process of ours that died may have left sessions that are still at work: they must be gone before what they work on
 * is. */
enum sc_result pg_end_sessions(struct target *t, struct sc_error *err)
{
    char *prefix = application_prefix(t), *left = NULL;
    int64_t deadline = clock_us() + 15000000;
    enum sc_result result = SC_OK;
    do {
        mem_free(left);
        result = pg_value(
            t->control, err, &left,
            "SELECT NULLIF(pg_catalog.count(pg_catalog.pg_terminate_backend(pid)), 0) FROM pg_catalog.pg_stat_activity"
            " WHERE pg_catalog.starts_with(application_name, $1 || ' ') AND pid <> pg_catalog.pg_backend_pid() AND "
            "backend_type = 'client backend'",
            1, (const char *[]){prefix});
        if (result == SC_OK && left)
            clock_sleep_ms(50);
    } while (result == SC_OK && left && clock_us() < deadline);
    if (result == SC_OK && left)
        result = error_set(err, SC_RETRY, "sessions of an earlier run of migration %s do not end", t->migration.id);
    mem_free(left);
    mem_free(prefix);
    return result;
}

static void say_left(const char *what, const char *name, const struct sc_error *why)
{
    log_warn("%s %s is left as it is: %s", what, name, why->what);
}

/* Drops one table of ours; one on which somebody has built something stays, and is spoken of. */
static enum sc_result drop_table(struct target *t, const char *table, const char *what, struct strlist *removed,
                                 struct sc_error *err)
{
    enum sc_result result = pg_runf(t->control, err, "SET lock_timeout = " DROP_LOCK_TIMEOUT "; DROP TABLE %s", table);
    if (pg_alive(t->control))
        pg_run(t->control, NULL, "SET lock_timeout = 0");
    if (result == SC_OK)
        strlist_addf(removed, "%s %s", what, table);
    FAILPOINT(result, remove_table_dropped, err);
    return result;
}

static enum sc_result drop_empty_schema(struct target *t, const char *schema, struct strlist *removed,
                                        struct sc_error *err)
{
    char *ident = pg_ident(schema);
    enum sc_result result = pg_runf(t->control, err, "DROP SCHEMA IF EXISTS %s", ident);
    mem_free(ident);
    if (result == SC_OK)
        strlist_addf(removed, "schema %s", schema);
    return result;
}

/* Drops the table `oid` when it is in the schema, and the schema when nothing is left in it. The schema must be ours by
 * its comment. Of an orphan nobody knows the table: with oid 0 it is the only one there is; which of several it is
 * cannot be told, and then all stay. SC_FAIL with SQLSTATE 2BP01: somebody else's things are in it, or stand on it. */
static enum sc_result drop_schema(struct target *t, const char *schema, Oid oid, const char *what,
                                  struct strlist *removed, struct sc_error *err)
{
    char *comment = mem_printf("seachange migration %s", t->migration.id), number[16];
    snprintf(number, sizeof(number), "%u", oid);
    PGresult *res = NULL;
    enum sc_result result =
        pg_query(t->control, err, &res,
                 "SELECT pg_catalog.obj_description(n.oid, 'pg_namespace') = $2, c.oid::pg_catalog.regclass FROM "
                 "pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind = "
                 "'r' AND $3::pg_catalog.oid IN (0, c.oid) WHERE n.nspname = $1",
                 3, (const char *[]){schema, comment, number});
    mem_free(comment);
    if (result != SC_OK)
        return result;
    int rows = PQntuples(res);
    if (rows > 0 && PQgetvalue(res, 0, 0)[0] != 't')
        log_warn("schema %s is not seachange's by its comment; it is left as it is", schema);
    else if (rows > 0) {
        if (rows > 1)
            log_warn("schema %s holds several tables, and no stored migration says which is seachange's", schema);
        else if (!PQgetisnull(res, 0, 1))
            result = drop_table(t, PQgetvalue(res, 0, 1), what, removed, err);
        if (result == SC_OK)
            result = drop_empty_schema(t, schema, removed, err);
        FAILPOINT(result, remove_schema_dropped, err);
    }
    PQclear(res);
    return result;
}

/* As drop_schema(), and content when somebody else's things keep it. */
static enum sc_result drop_schema_or_leave(struct target *t, const char *schema, Oid oid, const char *what,
                                           struct strlist *removed, struct sc_error *err)
{
    enum sc_result result = drop_schema(t, schema, oid, what, removed, err);
    if (result == SC_OK || !pg_sqlstate_is(err, "2BP01"))
        return result;
    say_left("schema", schema, err);
    return SC_OK;
}

static enum sc_result exists(struct target *t, const char *sql, const char *name, bool *is, struct sc_error *err)
{
    char *value = NULL;
    enum sc_result result = pg_value(t->control, err, &value, sql, 1, &name);
    *is = value != NULL;
    mem_free(value);
    return result;
}

static enum sc_result remove_log_position(struct target *t, struct strlist *removed, struct sc_error *err)
{
    bool slot = false, publication = false;
    char *prefix = application_prefix(t);
    enum sc_result result =
        exists(t, "SELECT 1 FROM pg_catalog.pg_replication_slots WHERE slot_name = $1", t->slot, &slot, err);
    if (result == SC_OK && slot)
        result = pg_slot_drop(t->control, t->slot, prefix, err);
    if (result == SC_OK && slot)
        strlist_addf(removed, "replication slot %s", t->slot);
    if (slot)
        FAILPOINT(result, remove_slot_dropped, err);
    if (result == SC_OK)
        result =
            exists(t, "SELECT 1 FROM pg_catalog.pg_publication WHERE pubname = $1", t->publication, &publication, err);
    if (result == SC_OK && publication)
        result = pg_publication_drop(t->control, t->publication, err);
    if (result == SC_OK && publication)
        strlist_addf(removed, "publication %s", t->publication);
    if (publication)
        FAILPOINT(result, remove_publication_dropped, err);
    mem_free(prefix);
    return result;
}

enum sc_result pg_remove_objects(struct target *t, struct strlist *removed, struct sc_error *err)
{
    enum sc_result result = pg_end_sessions(t, err);
    if (result == SC_OK)
        result = remove_log_position(t, removed, err);
    if (result == SC_OK)
        result = drop_schema_or_leave(t, t->ghost_schema, t->ghost_oid, "table", removed, err);
    return result;
}

/* All of it, or as much as nobody else stands on. */
static enum sc_result drop_state(struct target *t, struct sc_error *err)
{
    static const char *const drops[] = {"DROP TABLE seachange.migration, seachange.checkpoint, seachange.part, "
                                        "seachange.chunk, seachange.verified, seachange.todo, seachange.mapped",
                                        "DROP TABLE IF EXISTS seachange.audit", "DROP SCHEMA seachange"};
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < sizeof(drops) / sizeof(drops[0]) && result == SC_OK; i++) {
        result = pg_runf(t->control, err, "SAVEPOINT s; %s", drops[i]);
        if (result != SC_OK && pg_sqlstate_is(err, "2BP01")) {
            say_left("schema", "seachange", err);
            return pg_run(t->control, err, "ROLLBACK TO SAVEPOINT s");
        }
    }
    return result;
}

/* The rows of this migration; and, when nothing is stored any more, the schema itself. */
static enum sc_result remove_state(struct target *t, bool keep_row, struct sc_error *err)
{
    /* Looked for under the lock: an abort beside us can be dropping it. */
    bool there = false;
    enum sc_result result =
        pg_run(t->control, err, "BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(" STATE_SCHEMA_LOCK ")");
    if (result == SC_OK)
        result = exists(t, "SELECT 1 WHERE pg_catalog.to_regclass($1) IS NOT NULL", "seachange.migration", &there, err);
    if (result == SC_OK && !there)
        return pg_run(t->control, err, "ROLLBACK");
    const char *id = t->migration.id;
    if (result == SC_OK)
        result = pg_runf(t->control, err,
                         "DELETE FROM seachange.part WHERE id = '%s'; DELETE FROM seachange.chunk WHERE id = '%s';"
                         "DELETE FROM seachange.verified WHERE id = '%s';"
                         "DELETE FROM seachange.todo WHERE id = '%s'; DELETE FROM seachange.mapped WHERE id = '%s';"
                         "DELETE FROM seachange.checkpoint WHERE id = '%s'",
                         id, id, id, id, id, id);
    if (result == SC_OK)
        result = pg_audit_forget(t, err);
    if (result == SC_OK)
        result = keep_row ? pg_runf(t->control, err,
                                    "UPDATE seachange.migration SET phase = 'done', updated_at = "
                                    "pg_catalog.clock_timestamp() WHERE id = '%s'",
                                    id)
                          : pg_runf(t->control, err, "DELETE FROM seachange.migration WHERE id = '%s'", id);
    char *left = NULL;
    if (result == SC_OK)
        result = pg_value(t->control, err, &left, "SELECT 1 FROM seachange.migration LIMIT 1", 0, NULL);
    if (result == SC_OK && !left)
        result = drop_state(t, err);
    mem_free(left);
    FAILPOINT(result, remove_state_before_row, err);
    if (result == SC_OK)
        result = pg_run(t->control, err, "COMMIT");
    else if (pg_alive(t->control))
        pg_run(t->control, NULL, "ROLLBACK");
    FAILPOINT(result, remove_state_ended, err);
    return result;
}

/* --- after the swap
 * ------------------------------------------------------------------------------------------------------ */

static enum sc_result run_post(struct target *t, struct pg_todo *todo, int lock_timeout_ms, struct sc_error *err)
{
    enum sc_result result = pg_runf(t->control, err, "BEGIN; SET LOCAL lock_timeout = '%dms'", lock_timeout_ms);
    if (result == SC_OK)
        result = pg_set_path(t->control, t->source.schema, NULL, err);
    if (result == SC_OK)
        result = pg_run(t->control, err, todo->sql);
    if (result == SC_OK)
        result = pg_set_path(t->control, "", NULL, err);
    if (result == SC_OK)
        result = pg_todo_done(t, t->control, todo, err);
    FAILPOINT(result, cleanup_job_before_record, err);
    if (result == SC_OK)
        result = pg_run(t->control, err, "COMMIT");
    else if (pg_alive(t->control))
        pg_run(t->control, NULL, "ROLLBACK");
    todo->done = result == SC_OK;
    return result;
}

/* What cannot be done after the swap does not undo it. A constraint that does not hold for old rows holds for new ones
 * already; the operator decides. Waits for locks begin short, for others queue behind them, and grow, for an autovacuum
 * makes way only after deadlock_timeout. */
static enum sc_result complete(struct target *t, struct strlist *notes, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (int i = 0; i < t->ntodo && result == SC_OK; i++) {
        struct pg_todo *todo = &t->todo[i];
        if (todo->stage != STAGE_POST || todo->done)
            continue;
        int lock_timeout_ms = POST_LOCK_FIRST_MS;
        for (int try = 0; try < POST_TRIES; try++) {
            result = run_post(t, todo, lock_timeout_ms, err);
            if (result != SC_RETRY || !pg_alive(t->control))
                break;
            clock_sleep_ms(lock_timeout_ms);
            lock_timeout_ms = lock_timeout_ms * 2 > POST_LOCK_MAX_MS ? POST_LOCK_MAX_MS : lock_timeout_ms * 2;
        }
        if (result != SC_OK && pg_alive(t->control)) {
            bool rows = pg_sqlstate_is(err, "23503") || pg_sqlstate_is(err, "23514");
            strlist_addf(notes, "%s failed: %s. %s run: %s", todo->name, err->what,
                         rows ? "It holds for new rows; mend the old ones and" : "To have it done,", todo->sql);
            result = SC_OK;
        }
    }
    return result;
}

static enum sc_result drop_old(struct target *t, struct sc_error *err)
{
    struct strlist removed = {0};
    struct backoff backoff;
    backoff_init(&backoff, 200, 5000);
    enum sc_result result = SC_RETRY;
    for (int i = 0; i < DROP_TRIES && result == SC_RETRY; i++) {
        if (i > 0)
            clock_sleep_ms(backoff_next_ms(&backoff));
        result = drop_schema(t, t->old_schema, t->source.oid, "old table", &removed, err);
    }
    strlist_fini(&removed);
    return result;
}

static enum sc_result old_table_there(struct target *t, bool *there, struct sc_error *err)
{
    char oid[16], *one = NULL;
    snprintf(oid, sizeof(oid), "%u", t->source.oid);
    enum sc_result result = pg_value(t->control, err, &one,
                                     "SELECT 1 FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid AND "
                                     "relnamespace = pg_catalog.to_regnamespace($2)",
                                     2, (const char *[]){oid, t->old_schema});
    *there = one != NULL;
    mem_free(one);
    return result;
}

enum sc_result pg_finish(struct target *t, struct strlist *notes, struct sc_error *err)
{
    struct strlist removed = {0};
    enum sc_result result = pg_end_sessions(t, err);
    if (result == SC_OK)
        result = remove_log_position(t, &removed, err);
    if (result == SC_OK)
        result = complete(t, notes, err);
    FAILPOINT(result, cleanup_completed, err);
    if (result == SC_OK)
        result = drop_schema_or_leave(t, t->ghost_schema, t->ghost_oid, "table", &removed, err); /* empty by now */
    if (result == SC_OK && t->spec.drop_old) {
        result = drop_old(t, err);
        if (pg_alive(t->control) && (result == SC_RETRY || result == SC_FAIL)) {
            strlist_addf(notes, "not all of the old table could be dropped: %s", err->what);
            result = SC_OK;
        }
    }
    bool kept = false;
    if (result == SC_OK)
        result = old_table_there(t, &kept, err);
    if (result == SC_OK && kept) {
        char *old = pg_qualified(t->old_schema, t->source.name), *schema = pg_ident(t->old_schema);
        strlist_addf(notes, "the old table is kept as %s; to remove it: DROP TABLE %s; DROP SCHEMA %s", old, old,
                     schema);
        t->migration.old_table = arena_strdup(&t->arena, old);
        mem_free(old);
        mem_free(schema);
    }
    strlist_fini(&removed);
    if (result == SC_OK && !kept)
        pg_let_others_see(t);
    if (result == SC_OK)
        result = remove_state(t, kept, err);
    return result;
}

/* --- instead of it
 * ------------------------------------------------------------------------------------------------------- */

/* Fills t from the row of spec.id or of the table, if there is one; by id alone the names follow from it. */
static enum sc_result find(struct target *t, char **phase, struct sc_error *err)
{
    *phase = NULL;
    bool there = false;
    enum sc_result result = pg_state_exists(t->control, &there, err);
    PGresult *res = NULL;
    if (result == SC_OK && there && t->spec.id) {
        result = pg_query(t->control, err, &res, "SELECT * FROM seachange.migration WHERE id = $1", 1, &t->spec.id);
    } else if (result == SC_OK && there) {
        Oid oid = 0;
        result = pg_resolve_table(t, &oid, err);
        char text[16];
        snprintf(text, sizeof(text), "%u", oid);
        if (result == SC_OK)
            result = pg_query(t->control, err, &res,
                              "SELECT * FROM seachange.migration WHERE table_oid = $1::pg_catalog.oid OR ghost_oid = "
                              "$1::pg_catalog.oid ORDER BY phase = 'done' LIMIT 1",
                              1, (const char *[]){text});
    }
    if (result == SC_OK && res && PQntuples(res) > 0) {
        pg_name_objects(t, PQgetvalue(res, 0, PQfnumber(res, "id")));
        t->source.oid = (Oid)strtoul(PQgetvalue(res, 0, PQfnumber(res, "table_oid")), NULL, 10);
        t->ghost_oid = (Oid)strtoul(PQgetvalue(res, 0, PQfnumber(res, "ghost_oid")), NULL, 10);
        t->source.schema = arena_strdup(&t->arena, PQgetvalue(res, 0, PQfnumber(res, "schema_name")));
        t->source.name = arena_strdup(&t->arena, PQgetvalue(res, 0, PQfnumber(res, "table_name")));
        *phase = mem_strdup(PQgetvalue(res, 0, PQfnumber(res, "phase")));
    } else if (result == SC_OK && t->spec.id) {
        pg_name_objects(t, t->spec.id);
    } else if (result == SC_OK) {
        result = error_set(err, SC_REFUSE, "no migration of table %s is stored", t->spec.table);
        error_hint(err, "`seachange list` shows what there is.");
    }
    PQclear(res);
    return result;
}

static bool is_id(const char *id)
{
    return id && strlen(id) == 8 && strspn(id, "0123456789abcdef") == 8;
}

static enum sc_result refuse_swapped(struct target *t, struct sc_error *err)
{
    error_set(err, SC_REFUSE, "migration %s has swapped its table; there is nothing to abort", t->migration.id);
    char *old = pg_qualified(t->old_schema, t->source.name);
    error_hint(err,
               "The old table is %s. To be rid of it: DROP TABLE %s; DROP SCHEMA %s. To finish an interrupted "
               "clean-up, run the same migrate command again.",
               old, old, t->old_schema);
    mem_free(old);
    return SC_REFUSE;
}

static enum sc_result lock_for_abort(struct target *t, struct sc_error *err)
{
    if (!t->source.oid)
        return SC_OK;
    bool taken = false;
    enum sc_result result = pg_try_lock(t, t->source.oid, &taken, err);
    if (result == SC_OK && !taken) {
        result = error_set(err, SC_REFUSE, "migration %s is running", t->migration.id);
        error_hint(err, "Stop it first (SIGTERM); `seachange list` shows where it runs.");
    }
    return result;
}

/* What the cutover had let go in advance belongs to the source again. */
static enum sc_result undo_detached(struct target *t, struct strlist *removed, struct sc_error *err)
{
    char undo[8], detach[8];
    snprintf(undo, sizeof(undo), "%d", STAGE_UNDO);
    snprintf(detach, sizeof(detach), "%d", STAGE_DETACH);
    PGresult *res = NULL;
    enum sc_result result = pg_query(
        t->control, err, &res,
        "SELECT u.sql, u.name FROM seachange.todo u JOIN seachange.todo d USING (id, name) WHERE u.id = $1 AND "
        "u.stage = $2::pg_catalog.int4 AND d.stage = $3::pg_catalog.int4 AND d.done ORDER BY u.number",
        3, (const char *[]){t->migration.id, undo, detach});
    for (int i = 0; result == SC_OK && i < PQntuples(res); i++) {
        result = pg_run(t->control, err, PQgetvalue(res, i, 0));
        FAILPOINT(result, abort_sequence_given_back, err);
        if (result == SC_OK) {
            strlist_addf(removed, "%s: belongs to the table again", PQgetvalue(res, i, 1));
        } else if (result == SC_FAIL) {
            /* Somebody has dropped or taken one of the two meanwhile: that is how they want it. */
            log_warn("%s does not belong to the table any more: %s", PQgetvalue(res, i, 1), err->what);
            result = SC_OK;
        }
    }
    PQclear(res);
    return result;
}

/* SC_REFUSE when the ghost has taken the source's place. Until the server has recorded the swap as committed, phase and
 * name together say that it has not. */
static enum sc_result refuse_if_swapped(struct target *t, const char *phase, struct sc_error *err)
{
    if (strcmp(phase, "cleanup") == 0)
        return refuse_swapped(t, err);
    if (strcmp(phase, "done") == 0) {
        bool kept = false;
        enum sc_result result = old_table_there(t, &kept, err);
        return result == SC_OK && kept ? refuse_swapped(t, err) : result;
    }
    if (strcmp(phase, "cutover") == 0) {
        enum swap_outcome outcome;
        enum sc_result result = pg_cutover_outcome(t, &outcome, err);
        return result == SC_OK && outcome == SWAP_DONE ? refuse_swapped(t, err) : result;
    }
    return SC_OK;
}

/* An orphan's old schema: the table in it was somebody's table once, and is not ours to drop. */
static enum sc_result mention_old_schema(struct target *t, struct sc_error *err)
{
    bool there = false;
    enum sc_result result =
        exists(t, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", t->old_schema, &there, err);
    if (result == SC_OK && there)
        log_warn("schema %s holds a table as it was before its migration. It is kept; drop it yourself when nobody "
                 "needs it",
                 t->old_schema);
    return result;
}

enum sc_result pg_abort(struct target *t, struct strlist *removed, struct sc_error *err)
{
    if (t->spec.id && !is_id(t->spec.id))
        return error_set(err, SC_REFUSE, "%s is not the id of a migration: ids have 8 hexadecimal digits", t->spec.id);
    char *phase = NULL;
    enum sc_result result = find(t, &phase, err);
    if (result == SC_OK && phase) {
        /* Read again under the lock: it can have swapped, or ended, before we got it. */
        result = lock_for_abort(t, err);
        mem_free(phase);
        phase = NULL;
        if (result == SC_OK)
            result = find(t, &phase, err);
    }
    if (result == SC_OK)
        result = phase ? refuse_if_swapped(t, phase, err) : mention_old_schema(t, err);
    FAILPOINT(result, abort_begin, err);
    if (result == SC_OK)
        result = pg_remove_objects(t, removed, err);
    if (result == SC_OK && phase && strcmp(phase, "done") != 0)
        result = undo_detached(t, removed, err);
    if (result == SC_OK)
        result = remove_state(t, false, err);
    if (result == SC_OK && phase)
        strlist_addf(removed, "state of migration %s", t->migration.id);
    mem_free(phase);
    return result;
}
