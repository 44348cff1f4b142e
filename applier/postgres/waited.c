/* Another instance holds the migration's lock: a Job's second pod, say. Whoever gets the lock behind it must know what
 * became of the first one's migration: to make the same ALTER again would migrate the new table.
 *
 * It is known by the identity of the new table, which the first one's row tells. Where the old table is dropped the row
 * goes, too. So who waits shares another lock until it has read it, and who removes the row asks for that lock first.
 * It asks for a short time only, because who waits may have been stopped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/postgres/ops.h"
#include "applier/postgres/state.h"
#include "base/clock.h"
#include "base/plant.h"
#include "base/stop.h"

/* A process that was killed leaves its server session behind for as long as a statement of it runs. */
#define LOCK_WITHIN_MS 10000
#define TRY_EVERY_MS 100
#define LET_SEE_MS 2000

static enum sc_result ask_lock(struct target *t, const char *function, int kind, Oid table, bool *is,
                               struct sc_error *err)
{
    char *got = NULL, *sql = mem_printf("SELECT pg_catalog.%s(%d, %d)", function, kind, (int)table);
    enum sc_result result = pg_value(t->control, err, &got, sql, 0, NULL);
    *is = got && got[0] == 't';
    mem_free(got);
    mem_free(sql);
    return result;
}

enum sc_result pg_try_lock(struct target *t, Oid table, bool *taken, struct sc_error *err)
{
    return ask_lock(t, "pg_try_advisory_lock", STATE_TABLE_LOCK, table, taken, err);
}

/* The new table of a migration of this table with this ALTER. */
static void look(struct target *t, Oid table, struct pg_waited *waited)
{
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", table);
    struct sc_error ignored;
    bool exists = false;
    PGresult *res = NULL;
    if (pg_state_exists(t->control, &exists, &ignored) != SC_OK || !exists)
        return;
    enum sc_result result = pg_query(t->control, &ignored, &res,
                                     "SELECT id, ghost_oid FROM seachange.migration WHERE table_oid = "
                                     "$1::pg_catalog.oid AND alter_text = $2 AND ghost_oid IS NOT NULL AND phase NOT "
                                     "IN ('done', 'aborted')",
                                     2, (const char *[]){oid, t->spec.alter});
    if (result == SC_OK && PQntuples(res) == 1) {
        waited->ghost = (Oid)pg_column_number(res, 0, "ghost_oid");
        snprintf(waited->id, sizeof(waited->id), "%s", pg_column_text(res, 0, "id"));
    }
    PQclear(res);
}

static void set_in_sight(struct target *t, Oid table, struct pg_waited *waited, bool in_sight)
{
    struct sc_error ignored;
    bool done = false;
    if (waited->in_sight == in_sight || !pg_alive(t->control))
        return;
    (void)ask_lock(t, in_sight ? "pg_try_advisory_lock_shared" : "pg_advisory_unlock_shared", STATE_WAITING_LOCK, table,
                   &done, &ignored);
    waited->in_sight = done && in_sight;
}

enum sc_result pg_take_lock(struct target *t, Oid table, struct pg_waited *waited, struct sc_error *err)
{
    int64_t deadline = clock_us() + LOCK_WITHIN_MS * 1000;
    bool taken = false;
    enum sc_result result;
    for (;;) {
        result = pg_try_lock(t, table, &taken, err);
        taken = taken || PLANTED(C5_NO_LOCK);
        if (result != SC_OK || taken || clock_us() > deadline || stop_requested())
            break;
        if (!waited->ghost)
            set_in_sight(t, table, waited, true);
        look(t, table, waited);
        if (waited->ghost)
            set_in_sight(t, table, waited, false);
        clock_sleep_ms(TRY_EVERY_MS);
    }
    set_in_sight(t, table, waited, false);
    if (result == SC_OK && !taken && stop_requested()) {
        result = error_set(err, SC_STOP, "stopped by a signal while it waited for another seachange on table %s",
                           t->spec.table);
    } else if (result == SC_OK && !taken) {
        result = error_set(err, SC_REFUSE, "another seachange is working on table %s", t->spec.table);
        error_hint(err, "`seachange list` shows which and where it runs.");
    }
    return result;
}

void pg_let_others_see(struct target *t)
{
    int64_t deadline = clock_us() + LET_SEE_MS * 1000;
    struct sc_error ignored;
    bool alone = false;
    while (ask_lock(t, "pg_try_advisory_lock", STATE_WAITING_LOCK, t->source.oid, &alone, &ignored) == SC_OK &&
           !alone && clock_us() < deadline && !stop_requested())
        clock_sleep_ms(TRY_EVERY_MS);
    if (alone)
        (void)ask_lock(t, "pg_advisory_unlock", STATE_WAITING_LOCK, t->source.oid, &alone, &ignored);
}

/* The migration of this table that is stored, swapped or not. */
static enum sc_result stored_id(struct target *t, Oid table, char **id, struct sc_error *err)
{
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", table);
    bool exists = false;
    *id = NULL;
    enum sc_result result = pg_state_exists(t->control, &exists, err);
    return result == SC_OK && exists
               ? pg_value(t->control, err, id, "SELECT id FROM seachange.migration WHERE " STATE_OPEN_OF_TABLE, 1,
                          (const char *[]){oid})
               : result;
}

/* By the row that stays with the old table: who came before there was a new one. */
static enum sc_result done_id(struct target *t, Oid source, Oid now, char **id, struct sc_error *err)
{
    char was[16], is[16];
    snprintf(was, sizeof(was), "%u", source);
    snprintf(is, sizeof(is), "%u", now);
    bool exists = false;
    *id = NULL;
    enum sc_result result = pg_state_exists(t->control, &exists, err);
    return result == SC_OK && exists
               ? pg_value(t->control, err, id,
                          "SELECT id FROM seachange.migration WHERE phase = 'done' AND table_oid = "
                          "$1::pg_catalog.oid AND ghost_oid = $2::pg_catalog.oid AND alter_text = $3",
                          3, (const char *[]){was, is, t->spec.alter})
               : result;
}

/* Whoever held the lock until now did not leave things as they were. When the same ALTER has come to its end, there is
 * nothing left to do: to make it again would migrate the new table. */
static enum sc_result changed_meanwhile(struct target *t, Oid source, bool replaced, Oid now,
                                        const struct pg_waited *waited, struct sc_error *err)
{
    char *done = NULL;
    enum sc_result result = SC_OK;
    bool swapped = t->ghost_oid && now == t->ghost_oid;
    if (!swapped && waited->ghost && now == waited->ghost)
        done = mem_strdup(waited->id);
    else if (!swapped)
        result = done_id(t, source, now, &done, err);
    if (result == SC_OK && done)
        pg_name_objects(t, done);
    if (result == SC_OK && (swapped || done)) {
        t->migration.phase = PHASE_DONE;
        t->migration.resumed = false;
    } else if (result == SC_OK && !replaced) {
        result = error_set(err, SC_RETRY, "another seachange was at work on table %s until just now, and gave up",
                           t->spec.table);
    } else if (result == SC_OK) {
        result = error_set(err, SC_REFUSE, "table %s was replaced while this seachange waited for another one",
                           t->spec.table);
        error_hint(err, "Look whether it has its new shape already; if not, run the same command again.");
    }
    mem_free(done);
    return result;
}

enum sc_result pg_judge_another(struct target *t, Oid source, Oid named, char *search_path,
                                const struct pg_waited *waited, struct sc_error *err)
{
    struct target as_named = {.spec = t->spec, .control = t->control, .server = t->server};
    as_named.server.search_path = search_path;
    Oid now = 0;
    char *id = NULL;
    enum sc_result result = pg_resolve_table(&as_named, &now, err);
    if (result == SC_OK)
        result = stored_id(t, named, &id, err);
    bool same = result == SC_OK && now == named && (id != NULL) == t->migration.resumed &&
                (!id || strcmp(id, t->migration.id) == 0);
    same = same || PLANTED(C4_ERROR_TAKEN_FOR_NONE);
    if (result == SC_OK && !same && id)
        result =
            error_set(err, SC_RETRY, "another seachange was at work on table %s until just now, and did not end it",
                      t->spec.table);
    else if (result == SC_OK && !same)
        result = changed_meanwhile(t, source, now != named, now, waited, err);
    mem_free(id);
    return result;
}
