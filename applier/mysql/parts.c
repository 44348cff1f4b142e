/* A batch in parts: each part's transaction writes its row in _seachange_part, so that after a crash it is known which
 * parts are in. They are deleted in the transaction that moves the checkpoint.
 *
 * Rows that exchange the values of a unique index can be in different parts, which know nothing of each other's order.
 * Where the ghost has such indexes the batch has two steps, with everybody waiting between them: first what is deleted
 * goes, and unique values of rows that change become NULL; then everything is set. That can only be done where every
 * unique index has a column that may be NULL for a moment: InnoDB finds no duplicate in an entry with a NULL.
 *
 * Two steps also where keys can be equal without being the same: what goes at 'a' and what comes at 'A' are two rows of
 * the fold, in different parts, and one to the server. See docs/internals/ordering.md, "Folding". */
#include "applier/parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/fold.h"
#include "applier/mysql/sets.h"
#include "base/failpoint.h"
#include "base/plant.h"
#include "cdc/mysql/position_text.h"

/* --- can it be done
 * ------------------------------------------------------------------------------------------------------- */

static bool all_built(struct target *t)
{
    pthread_mutex_lock(&t->lock);
    bool all = true;
    for (int i = 0; i < t->ntodo; i++)
        if (t->todo[i].stage <= MY_STAGE_AFTER && !t->todo[i].done)
            all = false;
    pthread_mutex_unlock(&t->lock);
    return all;
}

static void add_table(struct buf *b, const struct target *t)
{
    buf_str(b, "TABLE_SCHEMA = ");
    my_add_literal(b, t->schema);
    buf_str(b, " AND TABLE_NAME = ");
    my_add_literal(b, t->ghost_name);
}

/* Columns that may be NULL for a moment: set from the log, and not the key's. */
static void add_free_columns(struct buf *b, const struct target *t)
{
    const char *glue = "COLUMN_NAME IN (";
    for (int i = 0; i < t->map.ncolumns; i++) {
        bool key = false;
        for (int k = 0; k < t->map.nkey; k++)
            key |= t->map.key[k] == i;
        if (key)
            continue;
        buf_str(b, glue);
        my_add_literal(b, t->map.columns[i].ghost_column);
        glue = ", ";
    }
    buf_str(b, *glue == ',' ? ")" : "FALSE");
}

/* Two numbers: unique indexes beside the key's, and those of them that cannot be emptied, with whatever else sees a
 * value that is NULL for a moment. */
static enum sc_result learn_steps(struct session *s, int *steps, struct sc_error *err)
{
    const struct target *t = s->target;
    struct buf sql = {0};
    buf_str(&sql,
            "SELECT COUNT(*), COALESCE(SUM(NOT free), 0) + (SELECT COUNT(*) FROM information_schema.COLUMNS WHERE "
            "COALESCE(GENERATION_EXPRESSION, '') <> '' AND ");
    add_table(&sql, t);
    buf_str(&sql,
            ") + (SELECT COUNT(*) FROM information_schema.TABLE_CONSTRAINTS WHERE CONSTRAINT_TYPE = 'CHECK' AND ");
    add_table(&sql, t);
    buf_str(&sql, ") FROM (SELECT INDEX_NAME, MAX(NULLABLE = 'YES' AND COALESCE(");
    add_free_columns(&sql, t);
    buf_str(&sql, ", FALSE)) AS free FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0 AND INDEX_NAME <> ");
    my_add_literal(&sql, t->key.ghost_index_name);
    buf_str(&sql, " AND ");
    add_table(&sql, t);
    buf_str(&sql, " GROUP BY INDEX_NAME) unique_indexes");
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(s->conn, err, &res, buf_cstr(&sql));
    buf_fini(&sql);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    if (row)
        *steps = strcmp(row[0], "0") == 0 ? 1 : strtod(row[1], NULL) == 0 ? 2 : 0;
    mysql_free_result(res);
    return result;
}

/* Before the fence nothing but the key is unique on the ghost. Behind it a unique index could be there all at once,
 * until all are. */
enum sc_result my_parts_steps(struct session *s, bool strict, int *steps, struct sc_error *err)
{
    int least = s->target->key_bytewise || PLANTED(A2_KEYS_AS_BYTES) ? 1 : 2;
    *steps = strict ? 0 : least;
    enum sc_result result = my_sets_open(s, err);
    if (result != SC_OK || !strict || !all_built(s->target))
        return result;
    struct my_sets *sets = s->apply->sets;
    if (!sets->steps_known) {
        result = learn_steps(s, &sets->steps, err);
        sets->steps_known = result == SC_OK;
    }
    if (result == SC_OK)
        *steps = sets->steps == 1 ? least : sets->steps;
    return result;
}

/* --- a part
 * --------------------------------------------------------------------------------------------------------------- */

static enum sc_result contradiction(const struct target *t, struct sc_error *err)
{
    error_set(err, SC_FAIL, "the stored state of migration %s contradicts itself: its parts are of different batches",
              t->migration.id);
    return error_hint(err, "The source is untouched. Run `seachange abort %s` and start again; please report it.",
                      t->migration.id);
}

/* *done: the step the part's row says is in; 0: there is none. SC_FAIL: it is of another batch. */
static enum sc_result read_part(struct session *s, const struct batch *batch, const struct parts_cut *cut, int *done,
                                struct sc_error *err)
{
    const struct target *t = s->target;
    *done = 0;
    struct buf sql = {0};
    buf_printf(&sql,
               "SELECT step, parts = %" PRIu32 " AND last_order = %" PRIu64 " AND last_changes = %" PRIu64 " FROM ",
               cut->parts, cut->last.order, cut->last_changes);
    my_add_state(&sql, t, "part");
    buf_printf(&sql, " WHERE id = '%s' AND part = %" PRIu32, t->migration.id, batch->part);
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(s->conn, err, &res, buf_cstr(&sql));
    buf_fini(&sql);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    if (row && strcmp(row[1], "1") != 0)
        result = contradiction(t, err);
    else if (row)
        *done = (int)strtol(row[0], NULL, 10);
    mysql_free_result(res);
    return result;
}

static enum sc_result write_part(struct session *s, const struct batch *batch, const struct parts_cut *cut, int step,
                                 bool first, struct sc_error *err)
{
    const struct target *t = s->target;
    struct buf sql = {0};
    if (first) {
        buf_str(&sql, "INSERT INTO ");
        my_add_state(&sql, t, "part");
        buf_printf(&sql,
                   " (id, part, parts, step, steps, last_order, last_text, last_changes) VALUES ('%s', %" PRIu32
                   ", %" PRIu32 ", %d, %d, %" PRIu64 ", ",
                   t->migration.id, batch->part, cut->parts, step, cut->steps, cut->last.order);
        my_add_literal(&sql, cut->last.text);
        buf_printf(&sql, ", %" PRIu64 ")", cut->last_changes);
    } else {
        buf_str(&sql, "UPDATE ");
        my_add_state(&sql, t, "part");
        buf_printf(&sql, " SET step = %d WHERE id = '%s' AND part = %" PRIu32, step, t->migration.id, batch->part);
    }
    enum sc_result result = my_change(s->conn, err, buf_cstr(&sql), sql.len, NULL);
    buf_fini(&sql);
    return result;
}

static enum sc_result apply_step(struct session *s, const struct batch *batch, const struct parts_cut *cut, int step,
                                 struct sc_error *err)
{
    enum my_step half = cut->steps == 1 ? MY_STEP_ALL : step == 1 ? MY_STEP_MAKE_ROOM : MY_STEP_SET;
    enum sc_result result = half == MY_STEP_MAKE_ROOM && batch->strict ? my_park_learn(s, err) : SC_OK;
    return result == SC_OK ? my_folded_apply(s, batch, half, err) : result;
}

static enum sc_result part_once(struct session *s, const struct batch *batch, const struct parts_cut *cut, int step,
                                struct sc_error *err)
{
    int done = 0;
    my_sets_begin(s, batch->strict);
    enum sc_result result = my_sets_tidy(s, err);
    if (result == SC_OK)
        result = my_run(s->conn, err, "BEGIN");
    if (result == SC_OK)
        result = my_hold_token(s->target, s->conn, err);
    if (result == SC_OK)
        result = read_part(s, batch, cut, &done, err);
    bool in = done >= step && !PLANTED(C1_PARTS_NOT_REMEMBERED);
    if (result == SC_OK && !in)
        result = my_apply_explain(s, apply_step(s, batch, cut, step, err), err);
    if (result == SC_OK && !in)
        result = write_part(s, batch, cut, step, done == 0, err);
    if (!in)
        FAILPOINT(result, apply_part_before_commit, err);
    if (result == SC_OK && !in)
        result = my_run(s->conn, err, "COMMIT");
    else if (my_alive(s->conn))
        my_run(s->conn, NULL, "ROLLBACK");
    if (!in)
        FAILPOINT(result, apply_part_committed, err);
    return result;
}

enum sc_result my_part_apply(struct session *s, const struct batch *batch, const struct parts_cut *cut, int step,
                             struct sc_error *err)
{
    error_init(err);
    enum sc_result result = my_sets_open(s, err);
    if (result == SC_OK)
        result = part_once(s, batch, cut, step, err);
    if (result == SC_FAIL && my_alive(s->conn) && my_sets_warned(s)) {
        /* Once more, so that it can be said what the server warned of. */
        s->apply->sets->singly = true;
        error_init(err);
        result = part_once(s, batch, cut, step, err);
    }
    return result;
}

/* --- all of them
 * ---------------------------------------------------------------------------------------------------------- */

enum sc_result my_parts_end(struct session *s, const struct batch *batch, struct sc_error *err)
{
    const struct target *t = s->target;
    struct buf sql = {0};
    buf_str(&sql, "DELETE FROM ");
    my_add_state(&sql, t, "part");
    buf_printf(&sql, " WHERE id = '%s'", t->migration.id);
    enum sc_result result = my_run(s->conn, err, "BEGIN");
    if (result == SC_OK)
        result = my_checkpoint_write(s->target, s->conn, &batch->applied, &batch->partial, batch->partial_changes, err);
    if (result == SC_OK)
        result = my_run(s->conn, err, buf_cstr(&sql));
    FAILPOINT(result, apply_parts_before_commit, err);
    if (result == SC_OK)
        result = my_run(s->conn, err, "COMMIT");
    else if (my_alive(s->conn))
        my_run(s->conn, NULL, "ROLLBACK");
    buf_fini(&sql);
    return result;
}

enum sc_result my_parts_pending(struct session *s, struct parts_cut *cut, struct sc_error *err)
{
    const struct target *t = s->target;
    *cut = (struct parts_cut){0};
    struct buf sql = {0};
    buf_str(&sql, "SELECT DISTINCT parts, steps, last_order, last_text, last_changes FROM ");
    my_add_state(&sql, t, "part");
    buf_printf(&sql, " WHERE id = '%s'", t->migration.id);
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(s->conn, err, &res, buf_cstr(&sql));
    buf_fini(&sql);
    if (result != SC_OK)
        return result;
    MYSQL_ROW row = mysql_fetch_row(res);
    if (row && mysql_num_rows(res) > 1) {
        result = contradiction(t, err);
    } else if (row) {
        cut->parts = (uint32_t)strtoul(row[0], NULL, 10);
        cut->steps = (int)strtol(row[1], NULL, 10);
        result = my_position_stored(row[2], row[3], &cut->last, err);
        cut->last_changes = strtoull(row[4], NULL, 10);
        if (result == SC_OK && (cut->parts == 0 || cut->parts > PARTS_MOST))
            result = error_set(err, SC_FAIL, "migration %s has a batch in %u parts, this version knows at most %d",
                               t->migration.id, cut->parts, PARTS_MOST);
    }
    mysql_free_result(res);
    return result;
}
