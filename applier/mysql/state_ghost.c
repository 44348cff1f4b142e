/* What was made of the ghost, as it is stored, and how it is found again on resume. */
#include "applier/mysql/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/mysql/ghost.h"
#include "applier/mysql/ops.h"
#include "base/plant.h"

static const char *const phase_names[] = {
    [PHASE_PREFLIGHT] = "preflight", [PHASE_PREPARE] = "prepare",   [PHASE_COPY] = "copy",
    [PHASE_INDEX] = "index",         [PHASE_CATCH_UP] = "catch-up", [PHASE_VERIFY] = "verify",
    [PHASE_READY] = "ready",         [PHASE_CUTOVER] = "cutover",   [PHASE_CLEANUP] = "cleanup",
    [PHASE_DONE] = "done",           [PHASE_ABORTED] = "aborted",   [PHASE_FAILED] = "failed",
};

const char *my_phase_stored_name(enum phase phase)
{
    return phase_names[phase];
}

bool my_phase_from_stored(const char *name, enum phase *phase)
{
    for (size_t i = 0; i < sizeof(phase_names) / sizeof(phase_names[0]); i++) {
        if (name && strcmp(phase_names[i], name) == 0) {
            *phase = (enum phase)i;
            return true;
        }
    }
    return false;
}

static enum sc_result forget(struct target *t, const char *table, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "DELETE FROM ");
    my_add_state(&sql, t, table);
    buf_printf(&sql, " WHERE id = '%s'", t->migration.id);
    enum sc_result result = my_run(t->control, err, buf_cstr(&sql));
    buf_fini(&sql);
    return result;
}

static enum sc_result store_todo(struct target *t, const struct my_todo *todo, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "INSERT INTO ");
    my_add_state(&sql, t, "todo");
    buf_printf(&sql, " SET id = '%s', number = %d, stage = %d, name = ", t->migration.id, todo->number,
               (int)todo->stage);
    my_add_literal(&sql, todo->name);
    buf_str(&sql, ", statement = ");
    my_add_literal(&sql, todo->sql);
    uint64_t rows;
    enum sc_result result = my_change(t->control, err, buf_cstr(&sql), sql.len, &rows);
    buf_fini(&sql);
    return result;
}

enum sc_result my_state_store_ghost(struct target *t, struct sc_error *err)
{
    static const char *const tables[] = {"todo", "part", "chunk", "verified"};
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && result == SC_OK; i++)
        result = forget(t, tables[i], err);
    for (int i = 0; i < t->ntodo && result == SC_OK; i++)
        result = store_todo(t, &t->todo[i], err);
    return result;
}

enum sc_result my_todo_done(struct target *t, struct my_conn *conn, struct my_todo *todo, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "UPDATE ");
    my_add_state(&sql, t, "todo");
    buf_printf(&sql, " SET done = 1 WHERE id = '%s' AND number = %d", t->migration.id, todo->number);
    enum sc_result result = my_run(conn, err, buf_cstr(&sql));
    buf_fini(&sql);
    if (result == SC_OK) {
        pthread_mutex_lock(&t->lock);
        todo->done = true;
        pthread_mutex_unlock(&t->lock);
    }
    return result;
}

static enum sc_result load_todo(struct target *t, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "SELECT stage, name, statement, done, number FROM ");
    my_add_state(&sql, t, "todo");
    buf_printf(&sql, " WHERE id = '%s' ORDER BY number", t->migration.id);
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(t->control, err, &res, buf_cstr(&sql));
    buf_fini(&sql);
    t->ntodo = 0;
    for (MYSQL_ROW row; result == SC_OK && (row = mysql_fetch_row(res)) != NULL;) {
        struct my_todo *todo = my_todo_add(t, (enum my_stage)strtol(row[0], NULL, 10), row[1], row[2]);
        todo->done = row[3][0] == '1';
        todo->number = (int)strtol(row[4], NULL, 10);
    }
    mysql_free_result(res);
    return result;
}

static enum sc_result load_copied(struct target *t, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "SELECT COALESCE(SUM(row_count), 0) FROM ");
    my_add_state(&sql, t, "chunk");
    buf_printf(&sql, " WHERE id = '%s'", t->migration.id);
    char *rows = NULL;
    enum sc_result result = my_value(t->control, err, &rows, buf_cstr(&sql));
    t->migration.rows_copied = rows ? strtoull(rows, NULL, 10) : 0;
    mem_free(rows);
    buf_fini(&sql);
    return result;
}

static enum sc_result load_ghost(struct target *t, struct sc_error *err)
{
    my_table_fini(&t->ghost);
    enum sc_result result = my_table_load(t->control, t->schema, t->ghost_name, &t->ghost, err);
    if (result != SC_REFUSE)
        return result;
    error_set(err, SC_FAIL, "the new table %s.%s of migration %s is gone", t->schema, t->ghost_name, t->migration.id);
    return error_hint(err,
                      "Somebody dropped it. The table itself is untouched. Run `seachange abort %s` and start again.",
                      t->migration.id);
}

static enum sc_result load_tables(struct target *t, struct sc_error *err)
{
    my_table_fini(&t->source);
    enum sc_result result = my_check(t, err);
    if (result == SC_OK)
        result = my_table_load(t->control, t->schema, t->name, &t->source, err);
    if (result == SC_OK)
        result = load_ghost(t, err);
    struct my_alter alter = {0};
    if (result == SC_OK)
        result = my_alter_of(t, &alter, err);
    if (result == SC_OK)
        result = my_map_make(t, &alter, err);
    my_alter_fini(&alter);
    return result;
}

enum sc_result my_state_load(struct target *t, struct sc_error *err)
{
    /* Nothing that was made in it is used. */
    if (t->migration.phase <= PHASE_PREPARE)
        return SC_OK;
    enum sc_result result = load_todo(t, err);
    if (result == SC_OK)
        result = load_copied(t, err);
    if (result != SC_OK || t->migration.phase >= PHASE_CLEANUP)
        return result;
    if (t->migration.phase == PHASE_CUTOVER && !PLANTED(D5_SWAP_NOT_RECOGNIZED)) {
        enum swap_outcome outcome = SWAP_UNPROVEN;
        result = my_cutover_outcome(t, &outcome, err);
        /* The swap and its record are not one transaction. */
        if (result == SC_OK && outcome == SWAP_DONE)
            return my_enter_phase(t, PHASE_CLEANUP, err);
        if (result != SC_OK || outcome != SWAP_NOT_DONE)
            return result;
    }
    /* A cutover that its process did not survive may have made them. */
    result = my_triggers_drop(t, t->control, true, err);
    return result == SC_OK ? load_tables(t, err) : result;
}
