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
#include "base/log.h"
#include "cdc/postgres/slot.h"

/* Dropping the old table waits for readers that still use it; tries are short. */
#define DROP_TRIES 60
#define DROP_LOCK_TIMEOUT "'500ms'"

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

/* Drops the table of ours in the schema (of an orphan, whose table's name nobody knows, the only ones there can be),
 * and the schema when it is empty then. */
static enum sc_result drop_schema(struct target *t, const char *schema, const char *what, struct strlist *removed,
                                  struct sc_error *err)
{
    char *comment = mem_printf("seachange migration %s", t->migration.id);
    PGresult *res = NULL;
    enum sc_result result = pg_query(t->control, err, &res,
                                     "SELECT c.oid::pg_catalog.regclass FROM pg_catalog.pg_namespace n LEFT JOIN "
                                     "pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r'"
                                     " AND c.relname = COALESCE($3, c.relname) WHERE n.nspname = $1 AND "
                                     "pg_catalog.obj_description(n.oid, 'pg_namespace') = $2",
                                     3, (const char *[]){schema, comment, t->source.name});
    mem_free(comment);
    if (result != SC_OK)
        return result;
    int rows = PQntuples(res);
    for (int i = 0; i < rows && result == SC_OK; i++) {
        if (PQgetisnull(res, i, 0))
            continue;
        result =
            pg_runf(t->control, err, "SET lock_timeout = " DROP_LOCK_TIMEOUT "; DROP TABLE %s; SET lock_timeout = 0",
                    PQgetvalue(res, i, 0));
        pg_run(t->control, NULL, "SET lock_timeout = 0");
        if (result == SC_OK)
            strlist_addf(removed, "%s %s", what, PQgetvalue(res, i, 0));
    }
    PQclear(res);
    if (rows == 0 || result != SC_OK)
        return result;
    char *ident = pg_ident(schema);
    result = pg_runf(t->control, err, "DROP SCHEMA IF EXISTS %s", ident);
    if (result == SC_OK) {
        strlist_addf(removed, "schema %s", schema);
    } else if (pg_sqlstate_is(err, "2BP01")) {
        log_warn("schema %s holds objects that are not seachange's; it is left as it is", schema);
        result = SC_OK;
    }
    mem_free(ident);
    return result;
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
    if (result == SC_OK)
        result =
            exists(t, "SELECT 1 FROM pg_catalog.pg_publication WHERE pubname = $1", t->publication, &publication, err);
    if (result == SC_OK && publication)
        result = pg_publication_drop(t->control, t->publication, err);
    if (result == SC_OK && publication)
        strlist_addf(removed, "publication %s", t->publication);
    mem_free(prefix);
    return result;
}

enum sc_result pg_remove_objects(struct target *t, struct strlist *removed, struct sc_error *err)
{
    enum sc_result result = pg_end_sessions(t, err);
    if (result == SC_OK)
        result = remove_log_position(t, removed, err);
    if (result == SC_OK)
        result = drop_schema(t, t->ghost_schema, "table", removed, err);
    return result;
}

/* The rows of this migration; and, when nothing is stored any more, the schema itself. */
static enum sc_result remove_state(struct target *t, bool keep_row, struct sc_error *err)
{
    bool there = false;
    enum sc_result result =
        exists(t, "SELECT 1 WHERE pg_catalog.to_regclass($1) IS NOT NULL", "seachange.migration", &there, err);
    if (result != SC_OK || !there)
        return result;
    const char *id = t->migration.id;
    result = pg_run(t->control, err, "BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(" STATE_SCHEMA_LOCK ")");
    if (result == SC_OK)
        result =
            pg_runf(t->control, err,
                    "DELETE FROM seachange.chunk WHERE id = '%s'; DELETE FROM seachange.todo WHERE id = '%s';"
                    "DELETE FROM seachange.mapped WHERE id = '%s'; DELETE FROM seachange.checkpoint WHERE id = '%s'",
                    id, id, id, id);
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
        result = pg_run(t->control, err,
                        "DROP TABLE seachange.migration, seachange.checkpoint, seachange.chunk, seachange.todo, "
                        "seachange.mapped; SAVEPOINT s; DROP SCHEMA seachange");
    if (result != SC_OK && pg_sqlstate_is(err, "2BP01"))
        result = pg_run(t->control, err, "ROLLBACK TO SAVEPOINT s"); /* somebody keeps something else in it */
    mem_free(left);
    if (result == SC_OK)
        return pg_run(t->control, err, "COMMIT");
    if (pg_alive(t->control))
        pg_run(t->control, NULL, "ROLLBACK");
    return result;
}

/* --- after the swap
 * ------------------------------------------------------------------------------------------------------ */

/* A constraint that does not hold for old rows does not undo the swap: it holds for new ones already, and the operator
 * decides. */
static enum sc_result validate(struct target *t, struct strlist *notes, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (int i = 0; i < t->ntodo && result == SC_OK; i++) {
        if (t->todo[i].stage != STAGE_POST || t->todo[i].done)
            continue;
        result = pg_run(t->control, err, "BEGIN");
        if (result == SC_OK)
            result = pg_set_path(t->control, t->source.schema, NULL, err);
        if (result == SC_OK)
            result = pg_run(t->control, err, t->todo[i].sql);
        if (result == SC_OK)
            result = pg_run(t->control, err, "SET LOCAL search_path = ''");
        if (result == SC_OK)
            result = pg_todo_done(t, t->control, &t->todo[i], err);
        if (result == SC_OK)
            result = pg_run(t->control, err, "COMMIT");
        else if (pg_alive(t->control))
            pg_run(t->control, NULL, "ROLLBACK");
        if (result == SC_OK) {
            t->todo[i].done = true;
        } else if (result == SC_FAIL) {
            strlist_addf(notes, "%s failed: %s. It holds for new rows; mend the old ones and run: %s", t->todo[i].name,
                         err->what, t->todo[i].sql);
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
        result = drop_schema(t, t->old_schema, "old table", &removed, err);
    }
    strlist_fini(&removed);
    return result;
}

enum sc_result pg_finish(struct target *t, struct strlist *notes, struct sc_error *err)
{
    struct strlist removed = {0};
    enum sc_result result = pg_end_sessions(t, err);
    if (result == SC_OK)
        result = remove_log_position(t, &removed, err);
    if (result == SC_OK)
        result = validate(t, notes, err);
    if (result == SC_OK)
        result = drop_schema(t, t->ghost_schema, "table", &removed, err); /* empty since the swap */
    bool dropped = false;
    if (result == SC_OK && t->spec.drop_old) {
        result = drop_old(t, err);
        dropped = result == SC_OK;
        if (result == SC_RETRY || result == SC_FAIL) {
            strlist_addf(notes, "the old table could not be dropped: %s", err->what);
            result = SC_OK;
        }
    }
    if (result == SC_OK && !dropped) {
        char *old = pg_qualified(t->old_schema, t->source.name), *schema = pg_ident(t->old_schema);
        strlist_addf(notes, "the old table is kept as %s; to remove it: DROP TABLE %s; DROP SCHEMA %s", old, old,
                     schema);
        t->migration.old_table = arena_strdup(&t->arena, old);
        mem_free(old);
        mem_free(schema);
    }
    strlist_fini(&removed);
    if (result == SC_OK)
        result = remove_state(t, !dropped, err);
    return result;
}

/* --- instead of it
 * ------------------------------------------------------------------------------------------------------- */

/* Fills t from the row of spec.id or of the table, if there is one; by id alone the names follow from it. */
static enum sc_result find(struct target *t, char **phase, struct sc_error *err)
{
    *phase = NULL;
    bool there = false;
    enum sc_result result =
        exists(t, "SELECT 1 WHERE pg_catalog.to_regclass($1) IS NOT NULL", "seachange.migration", &there, err);
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
    char *old = pg_qualified(t->old_schema, t->source.name ? t->source.name : "");
    error_hint(err,
               "The old table is %s. To be rid of it: DROP TABLE %s; DROP SCHEMA \"%s\". To finish an interrupted "
               "clean-up, run the same migrate command again.",
               old, old, t->old_schema);
    mem_free(old);
    return SC_REFUSE;
}

static enum sc_result lock_for_abort(struct target *t, struct sc_error *err)
{
    if (!t->source.oid)
        return SC_OK;
    char *got = NULL;
    char *sql = mem_printf("SELECT pg_catalog.pg_try_advisory_lock(%d, %d)", STATE_TABLE_LOCK, (int)t->source.oid);
    enum sc_result result = pg_value(t->control, err, &got, sql, 0, NULL);
    mem_free(sql);
    if (result == SC_OK && (!got || got[0] != 't')) {
        result = error_set(err, SC_REFUSE, "migration %s is running", t->migration.id);
        error_hint(err, "Stop it first (SIGTERM); `seachange list` shows where it runs.");
    }
    mem_free(got);
    return result;
}

enum sc_result pg_abort(struct target *t, struct strlist *removed, struct sc_error *err)
{
    if (t->spec.id && !is_id(t->spec.id))
        return error_set(err, SC_REFUSE, "%s is not the id of a migration: ids have 8 hexadecimal digits", t->spec.id);
    char *phase = NULL;
    enum sc_result result = find(t, &phase, err);
    if (result == SC_OK)
        result = lock_for_abort(t, err);
    if (result == SC_OK && phase && (strcmp(phase, "cleanup") == 0 || strcmp(phase, "done") == 0)) {
        bool old = false;
        result = exists(t, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", t->old_schema, &old, err);
        if (result == SC_OK && (old || strcmp(phase, "cleanup") == 0))
            result = refuse_swapped(t, err);
    } else if (result == SC_OK && phase && strcmp(phase, "cutover") == 0) {
        enum swap_outcome outcome;
        result = pg_cutover_outcome(t, &outcome, err);
        if (result == SC_OK && outcome == SWAP_DONE)
            result = refuse_swapped(t, err);
    }
    if (result == SC_OK)
        result = pg_remove_objects(t, removed, err);
    if (result == SC_OK)
        result = remove_state(t, false, err);
    if (result == SC_OK && phase)
        strlist_addf(removed, "state of migration %s", t->migration.id);
    mem_free(phase);
    return result;
}
