/* Removing what is ours: after the swap (finish) or instead of it (abort). Every step may be done twice.
 *
 * The state's row goes last: as long as anything is left, it says what. A new table without a row (its process was
 * killed while it planned) is known by its name and by its comment, or by being empty; the old table was somebody's
 * once, and is dropped only when told to. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/mysql/cutover.h"
#include "applier/mysql/foreign.h"
#include "applier/mysql/names.h"
#include "applier/mysql/ops.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/stop.h"

#define ER_NO_SUCH_TABLE 1146
#define ER_BAD_TABLE 1051
#define ER_CANT_DROP_FIELD_OR_KEY 1091

/* Dropping a table waits for readers that still use it; tries are short. */
#define DROP_TRIES 60

/* The server takes a moment to notice that a process has ended. */
#define ABORT_LOCK_WITHIN_MS 1000

/* What is done after the swap waits for locks so long, so often. */
#define POST_LOCK_S 1
#define POST_TRIES 8

static enum sc_result table_exists(struct target *t, const char *schema, const char *name, bool *is,
                                   struct sc_error *err)
{
    char *value = NULL, *s = my_literal(schema), *n = my_literal(name);
    enum sc_result result =
        my_valuef(t->control, err, &value,
                  "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s LIMIT 1", s, n);
    *is = value != NULL;
    mem_free(value);
    mem_free(s);
    mem_free(n);
    return result;
}

static enum sc_result drop_table(struct target *t, const char *schema, const char *name, const char *what,
                                 struct strlist *removed, struct sc_error *err)
{
    char *qualified = my_qualified(schema, name);
    struct backoff backoff;
    backoff_init(&backoff, 200, 5000);
    bool there = false;
    enum sc_result result = SC_RETRY;
    for (int i = 0; i < DROP_TRIES && result == SC_RETRY && my_alive(t->control); i++) {
        if (i > 0)
            clock_sleep_ms(backoff_next_ms(&backoff));
        result = table_exists(t, schema, name, &there, err);
        if (result == SC_OK && there)
            result = my_runf(t->control, err, "DROP TABLE %s", qualified);
    }
    if (result == SC_FAIL && my_errno(t->control) == ER_BAD_TABLE)
        result = SC_OK;
    if (result == SC_OK && there)
        strlist_addf(removed, "%s %s", what, qualified);
    if (there)
        FAILPOINT(result, remove_table_dropped, err);
    mem_free(qualified);
    return result;
}

/* *comment is malloc'd; NULL: there is no such table. Asked for one table at a time: MariaDB opens every table whose
 * comment a query could want. */
static enum sc_result comment_of(struct target *t, const char *schema, const char *name, char **comment,
                                 struct sc_error *err)
{
    char *s = my_literal(schema), *n = my_literal(name);
    *comment = NULL;
    enum sc_result result = my_valuef(
        t->control, err, comment,
        "SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s", s, n);
    mem_free(s);
    mem_free(n);
    return result;
}

/* What MariaDB's cutover lets stand under the old table's name while it is at work. */
static enum sc_result remove_sentry(struct target *t, struct strlist *removed, struct sc_error *err)
{
    char *comment = NULL;
    enum sc_result result = comment_of(t, t->schema, t->old_name, &comment, err);
    if (result == SC_OK && comment && strcmp(comment, MY_SENTRY_COMMENT) == 0)
        result = drop_table(t, t->schema, t->old_name, "table", removed, err);
    mem_free(comment);
    return result;
}

enum sc_result my_remove_ghost(struct target *t, struct strlist *removed, struct sc_error *err)
{
    enum sc_result result = remove_sentry(t, removed, err);
    if (result == SC_OK)
        result = my_foreign_remove_clones(t, err);
    return result == SC_OK ? drop_table(t, t->schema, t->ghost_name, "table", removed, err) : result;
}

/* --- state -------------------------------------------------------------------------------------------------------- */

static enum sc_result delete_rows(struct target *t, const char *table, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "DELETE FROM ");
    my_add_state(&sql, t, table);
    buf_printf(&sql, " WHERE id = '%s'", t->migration.id);
    enum sc_result result = my_run(t->control, err, buf_cstr(&sql));
    buf_fini(&sql);
    return result == SC_FAIL && my_errno(t->control) == ER_NO_SUCH_TABLE ? SC_OK : result;
}

/* The table with the rows goes last: as long as it is there, the others are looked for. */
static enum sc_result drop_state(struct target *t, struct sc_error *err)
{
    static const char *const tables[] = {"marker", "audit", "part", "chunk", "verified", "todo", "migration"};
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && result == SC_OK; i++) {
        struct strlist removed = {0};
        char *name = mem_printf("_seachange_%s", tables[i]);
        result = drop_table(t, t->schema, name, "table", &removed, err);
        mem_free(name);
        strlist_fini(&removed);
    }
    return result;
}

static enum sc_result change_row(struct target *t, bool keep_row, struct sc_error *err)
{
    if (!keep_row)
        return delete_rows(t, "migration", err);
    struct buf sql = {0};
    buf_str(&sql, "UPDATE ");
    my_add_state(&sql, t, "migration");
    buf_printf(&sql, " SET phase = 'done', updated_at = UTC_TIMESTAMP() WHERE id = '%s'", t->migration.id);
    enum sc_result result = my_run(t->control, err, buf_cstr(&sql));
    buf_fini(&sql);
    return result;
}

/* At once with where its audit ended: who goes on with a migration of which that was missing would take it for one
 * without an audit. */
static enum sc_result forget_row(struct target *t, bool keep_row, struct sc_error *err)
{
    enum sc_result result = my_run(t->control, err, "BEGIN");
    if (result == SC_OK)
        result = delete_rows(t, "audit", err);
    if (result == SC_OK)
        result = change_row(t, keep_row, err);
    if (result == SC_OK)
        return my_run(t->control, err, "COMMIT");
    if (my_alive(t->control))
        my_run(t->control, NULL, "ROLLBACK");
    return result;
}

enum sc_result my_remove_empty_state(struct target *t, struct sc_error *err)
{
    bool there = false;
    enum sc_result result = my_state_exists(t->control, t->schema, &there, err);
    if (result != SC_OK || !there)
        return result;
    MYSQL_RES *left = NULL;
    result = my_state_rows(t, "TRUE LIMIT 1", &left, err);
    bool empty = result == SC_OK && mysql_num_rows(left) == 0;
    mysql_free_result(left);
    return empty ? drop_state(t, err) : result;
}

static enum sc_result remove_rows(struct target *t, bool keep_row, struct sc_error *err)
{
    static const char *const tables[] = {"part", "chunk", "verified", "todo", "marker"};
    bool there = false;
    enum sc_result result = my_state_exists(t->control, t->schema, &there, err);
    if (result != SC_OK || !there)
        return result;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && result == SC_OK; i++)
        result = delete_rows(t, tables[i], err);
    FAILPOINT(result, remove_state_before_row, err);
    if (result == SC_OK)
        result = forget_row(t, keep_row, err);
    FAILPOINT(result, remove_state_row_removed, err);
    return result == SC_OK ? my_remove_empty_state(t, err) : result;
}

/* The rows of this migration; and, when nothing is stored any more, the tables. */
static enum sc_result remove_state(struct target *t, bool keep_row, struct sc_error *err)
{
    enum sc_result result = my_state_lock(t, err);
    if (result != SC_OK)
        return result;
    result = remove_rows(t, keep_row, err);
    FAILPOINT(result, remove_state_ended, err);
    my_state_unlock(t);
    return result;
}

/* --- after the swap ----------------------------------------------------------------------------------------------- */

static enum sc_result post_once(struct target *t, const struct my_todo *todo, struct strlist *notes,
                                struct sc_error *err)
{
    if (my_is_foreign(todo->stage))
        return my_foreign_run(t, t->control, todo, notes, err);
    enum sc_result result = my_run(t->control, err, todo->sql);
    if (result == SC_FAIL && my_errno(t->control) == ER_CANT_DROP_FIELD_OR_KEY)
        result = SC_OK; /* done before, and not recorded */
    return result;
}

static enum sc_result post(struct target *t, const struct my_todo *todo, struct strlist *notes, struct sc_error *err)
{
    struct backoff backoff;
    backoff_init(&backoff, 200, 2000);
    enum sc_result result = my_runf(t->control, err, "SET SESSION lock_wait_timeout = %d, foreign_key_checks = %d",
                                    POST_LOCK_S, my_is_foreign(todo->stage) ? 0 : 1);
    if (result != SC_OK)
        return result;
    for (int try = 0; try < POST_TRIES; try++) {
        if (try > 0)
            clock_sleep_ms(backoff_next_ms(&backoff));
        result = post_once(t, todo, notes, err);
        if (result != SC_RETRY || !my_alive(t->control) || stop_requested())
            break;
    }
    return result;
}

/* What cannot be done after the swap does not undo it. */
static enum sc_result complete(struct target *t, struct strlist *notes, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (int i = 0; i < t->ntodo && result == SC_OK; i++) {
        struct my_todo *todo = &t->todo[i];
        if ((todo->stage != MY_STAGE_POST && !my_is_foreign(todo->stage)) || todo->done)
            continue;
        result = post(t, todo, notes, err);
        bool failed = result == SC_FAIL;
        if (failed)
            strlist_addf(notes, "%s failed: %s. To have it done, run: %s", todo->name, err->what, todo->sql);
        FAILPOINT(result, cleanup_job_before_record, err);
        if (result == SC_OK)
            result = my_todo_done(t, t->control, todo, err);
        else if (failed)
            result = SC_OK;
    }
    return result;
}

enum sc_result my_finish(struct target *t, struct strlist *notes, struct sc_error *err)
{
    struct strlist removed = {0};
    /* Without the old table nobody could tell any more that it was swapped: so that is stored first. */
    enum sc_result result = my_enter_phase(t, PHASE_CLEANUP, err);
    if (result == SC_OK)
        result = my_end_sessions(t, err);
    if (result == SC_OK)
        result = complete(t, notes, err);
    FAILPOINT(result, cleanup_completed, err);
    if (result == SC_OK && t->spec.drop_old) {
        result = drop_table(t, t->schema, t->old_name, "old table", &removed, err);
        if (my_alive(t->control) && (result == SC_RETRY || result == SC_FAIL)) {
            strlist_addf(notes, "the old table could not be dropped: %s", err->what);
            result = SC_OK;
        }
    }
    strlist_fini(&removed);
    bool kept = false;
    if (result == SC_OK)
        result = table_exists(t, t->schema, t->old_name, &kept, err);
    if (result == SC_OK && kept) {
        char *old = my_qualified(t->schema, t->old_name);
        strlist_addf(notes, "the old table is kept as %s; to remove it: DROP TABLE %s", old, old);
        t->migration.old_table = arena_strdup(&t->arena, old);
        mem_free(old);
    }
    if (result == SC_OK && !kept)
        my_let_others_see(t);
    if (result == SC_OK)
        result = remove_state(t, kept, err);
    return result;
}

/* --- instead of it ------------------------------------------------------------------------------------------------ */

static enum sc_result take_found(struct target *t, const char *schema, const char *condition, char **phase,
                                 struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result = my_state_rows_in(t, schema, condition, &res, err);
    MYSQL_ROW row = result == SC_OK && res ? mysql_fetch_row(res) : NULL;
    if (row) {
        char *name = mem_strdup(my_column_text(res, row, "table_name")), *own = mem_strdup(schema);
        mem_free(t->schema);
        mem_free(t->name);
        mem_free(t->lock_name);
        t->schema = own;
        t->name = name;
        t->lock_name = my_lock_name("table", t->schema, t->name);
        my_name_objects(t, my_column_text(res, row, "id"));
        mem_free(t->ghost_name);
        mem_free(t->old_name);
        t->ghost_name = mem_strdup(my_column_text(res, row, "ghost_name"));
        t->old_name = mem_strdup(my_column_text(res, row, "old_name"));
        *phase = mem_strdup(my_column_text(res, row, "phase"));
    }
    mysql_free_result(res);
    return result;
}

/* By its id it can be in any database. */
static enum sc_result find_by_id(struct target *t, char **phase, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result =
        my_query(t->control, err, &res,
                 "SELECT TABLE_SCHEMA FROM information_schema.TABLES WHERE TABLE_NAME = '_seachange_migration'");
    char *condition = mem_printf("id = '%s'", t->spec.id);
    for (MYSQL_ROW row; result == SC_OK && !*phase && (row = mysql_fetch_row(res)) != NULL;)
        result = take_found(t, row[0], condition, phase, err);
    mem_free(condition);
    mysql_free_result(res);
    return result;
}

static enum sc_result find_by_table(struct target *t, char **phase, struct sc_error *err)
{
    bool there = false;
    enum sc_result result = my_resolve_table(t, err);
    if (result == SC_OK)
        result = my_state_exists(t->control, t->schema, &there, err);
    if (result == SC_OK && there) {
        char *name = my_literal(t->name);
        char *condition = mem_printf("table_name = %s ORDER BY phase = 'done' LIMIT 1", name);
        char *schema = mem_strdup(t->schema);
        result = take_found(t, schema, condition, phase, err);
        mem_free(schema);
        mem_free(condition);
        mem_free(name);
    }
    if (result == SC_OK && !*phase) {
        result = error_set(err, SC_REFUSE, "no migration of table %s is stored", t->spec.table);
        error_hint(err, "`seachange list` shows what there is.");
    }
    return result;
}

static enum sc_result find(struct target *t, char **phase, struct sc_error *err)
{
    mem_free(*phase);
    *phase = NULL;
    return t->spec.id ? find_by_id(t, phase, err) : find_by_table(t, phase, err);
}

static bool is_id(const char *id)
{
    return id && strlen(id) == 8 && strspn(id, "0123456789abcdef") == 8;
}

static enum sc_result refuse_swapped(struct target *t, struct sc_error *err)
{
    char *old = my_qualified(t->schema, t->old_name);
    error_set(err, SC_REFUSE, "migration %s has swapped its table; there is nothing to abort", t->migration.id);
    error_hint(err,
               "The old table is %s. To be rid of it: DROP TABLE %s. To finish an interrupted clean-up, run the same "
               "migrate command again.",
               old, old);
    mem_free(old);
    return SC_REFUSE;
}

/* SC_REFUSE when the ghost has taken the source's place. */
static enum sc_result refuse_if_swapped(struct target *t, const char *phase, struct sc_error *err)
{
    if (strcmp(phase, "cleanup") == 0)
        return refuse_swapped(t, err);
    if (strcmp(phase, "done") == 0) {
        bool kept = false;
        enum sc_result result = table_exists(t, t->schema, t->old_name, &kept, err);
        return result == SC_OK && kept ? refuse_swapped(t, err) : result;
    }
    if (strcmp(phase, "cutover") == 0) {
        enum swap_outcome outcome;
        enum sc_result result = my_cutover_outcome(t, &outcome, err);
        return result == SC_OK && outcome == SWAP_DONE ? refuse_swapped(t, err) : result;
    }
    return SC_OK;
}

static enum sc_result lock_for_abort(struct target *t, struct sc_error *err)
{
    bool taken = false;
    enum sc_result result = my_take_lock(t, ABORT_LOCK_WITHIN_MS, &taken, err);
    if (result == SC_OK && !taken) {
        result = error_set(err, SC_REFUSE, "migration %s is running", t->migration.id);
        error_hint(err, "Stop it first (SIGTERM); `seachange list` shows where it runs.");
    }
    return result;
}

/* --- without a stored migration ----------------------------------------------------------------------------------- */

static enum sc_result is_empty(struct target *t, const char *qualified, bool *empty, struct sc_error *err)
{
    char *one = NULL;
    enum sc_result result = my_valuef(t->control, err, &one, "SELECT 1 FROM %s LIMIT 1", qualified);
    *empty = !one;
    mem_free(one);
    return result;
}

static enum sc_result remove_orphan(struct target *t, const char *schema, const char *name, struct strlist *removed,
                                    struct sc_error *err)
{
    char *comment = NULL;
    enum sc_result result = comment_of(t, schema, name, &comment, err);
    if (result != SC_OK || !comment)
        return result;
    char *qualified = my_qualified(schema, name), *ours = mem_printf("seachange migration %s", t->migration.id);
    bool empty = false;
    if (strcmp(comment, MY_SENTRY_COMMENT) == 0) {
        result = drop_table(t, schema, name, "table", removed, err);
    } else if (!strstr(name, MY_NEW_SUFFIX)) {
        log_warn("table %s is one as it was before its migration. It is kept; drop it yourself when nobody needs it",
                 qualified);
    } else {
        if (strcmp(comment, ours) != 0)
            result = is_empty(t, qualified, &empty, err);
        if (result == SC_OK && (empty || strcmp(comment, ours) == 0))
            result = drop_table(t, schema, name, "table", removed, err);
        else if (result == SC_OK)
            log_warn("table %s has rows, and is not seachange's by its comment; it is left as it is", qualified);
    }
    mem_free(comment);
    mem_free(ours);
    mem_free(qualified);
    return result;
}

static enum sc_result remove_orphans(struct target *t, struct strlist *removed, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result =
        my_queryf(t->control, err, &res,
                  "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_NAME LIKE "
                  "'%%|_seachange|_new|_%s' ESCAPE '|' OR TABLE_NAME LIKE '%%|_seachange|_old|_%s' ESCAPE '|'",
                  t->spec.id, t->spec.id);
    for (MYSQL_ROW row; result == SC_OK && (row = mysql_fetch_row(res)) != NULL;)
        result = remove_orphan(t, row[0], row[1], removed, err);
    mysql_free_result(res);
    return result;
}

/* A process that was killed while it planned leaves the table that it tried the ALTER on. Whoever begins a migration of
 * the same table removes it; one whose planner is still at work is let be. */
enum sc_result my_remove_leftovers(struct target *t, struct sc_error *err)
{
    char *schema = my_literal(t->schema);
    MYSQL_RES *res = NULL;
    enum sc_result result = my_queryf(t->control, err, &res,
                                      "SELECT TABLE_NAME, RIGHT(TABLE_NAME, 8) FROM "
                                      "information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME REGEXP "
                                      "'_seachange_new_[0-9a-f]{8}$'",
                                      schema);
    mem_free(schema);
    char id[sizeof(t->migration.id)];
    snprintf(id, sizeof(id), "%s", t->migration.id);
    for (MYSQL_ROW row; result == SC_OK && (row = mysql_fetch_row(res)) != NULL;) {
        struct strlist removed = {0};
        bool used = false;
        my_name_objects(t, row[1]);
        if (strcmp(t->ghost_name, row[0]) == 0 || my_foreign_is_clone(t, row[0])) {
            result = my_sessions_any(t, &used, err);
            if (result == SC_OK && !used)
                result = remove_orphan(t, t->schema, row[0], &removed, err);
        }
        for (size_t i = 0; i < removed.count; i++)
            log_info("an earlier run was killed while it planned; removed %s", removed.items[i]);
        strlist_fini(&removed);
    }
    mysql_free_result(res);
    my_name_objects(t, id);
    return result;
}

enum sc_result my_abort(struct target *t, struct strlist *removed, struct sc_error *err)
{
    if (t->spec.id && !is_id(t->spec.id))
        return error_set(err, SC_REFUSE, "%s is not the id of a migration: ids have 8 hexadecimal digits", t->spec.id);
    char *phase = NULL;
    enum sc_result result = find(t, &phase, err);
    if (result == SC_OK && !phase) {
        snprintf(t->migration.id, sizeof(t->migration.id), "%s", t->spec.id);
        result = my_end_sessions(t, err);
        return result == SC_OK ? remove_orphans(t, removed, err) : result;
    }
    if (result == SC_OK) {
        /* Read again under the lock: it can have swapped, or ended, before we got it. */
        result = lock_for_abort(t, err);
        if (result == SC_OK)
            result = find(t, &phase, err);
    }
    if (result == SC_OK && phase)
        result = my_end_sessions(t, err);
    if (result == SC_OK && phase)
        result = refuse_if_swapped(t, phase, err);
    FAILPOINT(result, abort_begin, err);
    if (result == SC_OK && phase && strcmp(phase, "done") != 0)
        result = my_remove_ghost(t, removed, err);
    if (result == SC_OK && phase)
        result = remove_state(t, false, err);
    if (result == SC_OK && phase)
        strlist_addf(removed, "state of migration %s", t->migration.id);
    mem_free(phase);
    return result;
}
