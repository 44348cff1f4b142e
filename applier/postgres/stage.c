/* A folded batch, applied set by set.
 *
 * The rows go by COPY into a temporary table (no WAL, and every value passes through its type's own input function, so
 * nothing is lost on the way), and from there into the ghost by one statement an operation (staged.c, moves.c). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/fold.h"
#include "applier/postgres/apply.h"
#include "applier/postgres/mapping.h"
#include "applier/postgres/staged.h"

#define COPY_FLUSH_BYTES 65536

/* --- the staging table
 * --------------------------------------------------------------------------------------------------- */

/* Domains are taken for what they are made of: their checks are the ghost's work, and a NOT NULL domain would not take
 * the NULL that stands for "unchanged" here. The collation goes along: expressions must see what they see in the
 * source. */
static enum sc_result learn_types(struct session *s, struct apply_plan *plan, struct sc_error *err)
{
    struct target *t = s->target;
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", t->source.oid);
    PGresult *res = NULL;
    enum sc_result result = pg_query(
        s->conn, err, &res,
        "WITH RECURSIVE base(attnum, attname, collid, typid, typmod) AS ("
        " SELECT attnum, attname, attcollation, atttypid, atttypmod FROM pg_catalog.pg_attribute"
        " WHERE attrelid = $1::pg_catalog.oid AND attnum > 0 AND NOT attisdropped"
        " UNION ALL SELECT attnum, attname, collid, t.typbasetype, t.typtypmod FROM base JOIN pg_catalog.pg_type t ON "
        "t.oid = typid WHERE t.typtype = 'd')"
        " SELECT attname, pg_catalog.format_type(typid, typmod) || COALESCE((SELECT pg_catalog.format(' COLLATE "
        "%I.%I', n.nspname, c.collname) FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = "
        "c.collnamespace WHERE c.oid = collid AND c.collname <> 'default'), '')"
        " FROM base JOIN pg_catalog.pg_type t ON t.oid = typid WHERE t.typtype <> 'd'",
        1, (const char *[]){oid});
    if (result != SC_OK)
        return result;
    plan->stage_types = arena_array(&plan->arena, (size_t)t->nlogged, sizeof(char *));
    for (int i = 0; i < t->nlogged; i++) {
        const char *name = t->source.columns[t->logged[i]].name;
        for (int row = 0; row < PQntuples(res); row++)
            if (strcmp(PQgetvalue(res, row, 0), name) == 0)
                plan->stage_types[i] = arena_strdup(&plan->arena, PQgetvalue(res, row, 1));
        if (!plan->stage_types[i])
            result = error_set(err, SC_FAIL, "column %s has gone from the source table", name);
    }
    PQclear(res);
    return result;
}

/* What lies here for a moment is not worth compressing: that was most of the cost of staging large values. */
static enum sc_result leave_uncompressed(struct session *s, struct sc_error *err)
{
    char *sql = NULL;
    enum sc_result result = pg_value(s->conn, err, &sql,
                                     "SELECT pg_catalog.string_agg(pg_catalog.format('ALTER TABLE " STAGE
                                     " ALTER COLUMN %I SET STORAGE EXTERNAL', "
                                     "attname), '; ') FROM pg_catalog.pg_attribute WHERE attrelid = '" STAGE
                                     "'::pg_catalog.regclass AND attnum > 0 AND attstorage NOT IN ('p', 'e')",
                                     0, NULL);
    if (result == SC_OK && sql)
        result = pg_run(s->conn, err, sql);
    mem_free(sql);
    return result;
}

enum sc_result pg_stage_open(struct session *s, struct sc_error *err)
{
    if (s->staging)
        return SC_OK;
    struct target *t = s->target;
    struct apply_plan *plan = mem_alloc(sizeof(*plan));
    enum sc_result result = learn_types(s, plan, err);
    if (result != SC_OK) {
        apply_plan_free(plan);
        return result;
    }
    plan->logged_of = arena_array(&plan->arena, (size_t)t->source.ncolumns, sizeof(int));
    for (int i = 0; i < t->source.ncolumns; i++)
        plan->logged_of[i] = -1;
    struct buf sql = {0}, columns = {0};
    if (t->server.version >= 120000) /* one row, found by its key: no need to plan that again for each */
        buf_str(&sql, "SET plan_cache_mode = force_generic_plan; ");
    buf_str(&sql, "CREATE TEMPORARY TABLE seachange_stage (\"seachange op\" text");
    for (int i = 0; i < t->nlogged; i++) {
        plan->logged_of[t->logged[i]] = i;
        buf_str(&sql, ", ");
        pg_add_ident(&sql, t->source.columns[t->logged[i]].name);
        buf_printf(&sql, " %s", plan->stage_types[i]);
        buf_str(&columns, i ? ", " : "");
        pg_add_ident(&columns, t->source.columns[t->logged[i]].name);
    }
    for (int k = 0; k < t->key.count; k++) {
        buf_printf(&sql, ", \"seachange from %d\" %s", k, plan->stage_types[t->logged_key[k]]);
        buf_printf(&columns, ", \"seachange from %d\"", k);
    }
    /* The planner knows nothing about a table that is filled anew each time: without hash and merge joins it looks each
     * row up by the ghost's key index, which is what is wanted for a batch. */
    buf_str(
        &sql,
        ") ON COMMIT DELETE ROWS; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off");
    result = pg_run(s->conn, err, buf_cstr(&sql));
    if (result == SC_OK)
        result = leave_uncompressed(s, err);
    plan->stage_columns = arena_strdup(&plan->arena, buf_cstr(&columns));
    buf_fini(&sql);
    buf_fini(&columns);
    if (result != SC_OK) {
        apply_plan_free(plan);
        return error_wrap(err, "cannot make the temporary table changes are staged in");
    }
    apply_plan_free(s->apply);
    s->apply = plan;
    s->staging = true;
    return SC_OK;
}

/* --- filling it
 * ---------------------------------------------------------------------------------------------------------- */

/* COPY's text format (manual, COPY, "File Formats"). */
static void add_copy_value(struct buf *b, const struct value *v)
{
    if (!v || v->state != VALUE_PRESENT) {
        buf_str(b, "\\N");
        return;
    }
    const char *p = v->data, *end = v->data + v->len;
    while (p < end) {
        const char *plain = p;
        while (p < end && *p != '\\' && *p != '\t' && *p != '\n' && *p != '\r')
            p++;
        buf_bytes(b, plain, (size_t)(p - plain));
        if (p == end)
            break;
        buf_char(b, '\\');
        buf_char(b, *p == '\t' ? 't' : *p == '\n' ? 'n' : *p == '\r' ? 'r' : *p);
        p++;
    }
}

static bool send_rows(struct session *s, struct buf *b, bool last)
{
    if (b->len == 0 || (!last && b->len < COPY_FLUSH_BYTES))
        return true;
    bool sent = PQputCopyData(s->conn->pg, b->data, (int)b->len) == 1;
    buf_clear(b);
    return sent;
}

/* `only`: of the columns, by logged column; NULL: all. */
static void add_row(struct buf *b, const struct target *t, const char *op, const struct value *key,
                    const struct value *values, const struct value *from, const bool *only)
{
    buf_str(b, op);
    for (int i = 0; i < t->nlogged; i++) {
        const struct value *v = values && (!only || only[i]) ? &values[i] : NULL;
        for (int k = 0; !values && k < t->key.count; k++)
            if (t->logged_key[k] == i)
                v = &key[k];
        buf_char(b, '\t');
        add_copy_value(b, v);
    }
    for (int k = 0; k < t->key.count; k++) {
        buf_char(b, '\t');
        add_copy_value(b, from ? &from[k] : NULL);
    }
    buf_char(b, '\n');
}

static void add_folded(struct buf *b, struct session *s, const struct batch *batch, const struct folded_row *row,
                       const bool *only, struct staged *staged)
{
    char code[STAGED_CODE];
    staged->ops[row->op]++;
    if (row->op == ROW_MOVE && pg_row_exact(s, batch, row->from)) {
        staged->kept[row->group]++;
        staged_code(code, STAGED_KEPT, row->group);
    } else if (row->op == ROW_MOVE) {
        staged->fresh[row->group]++;
        staged_code(code, STAGED_FRESH, row->group);
        add_row(b, s->target, "n", row->from, NULL, NULL, only);
    } else if (row->op == ROW_UPDATE) {
        staged->updates[row->group]++;
        staged_code(code, 'u', row->group);
    } else {
        static const char codes[ROW_OPS] = {
            [ROW_DELETE] = 'd', [ROW_NOTHING] = 'n', [ROW_REPLACE] = 'r', [ROW_INSERT] = 'i'};
        code[0] = codes[row->op];
        code[1] = 0;
    }
    add_row(b, s->target, code, row->key, row->values, row->from, only);
}

/* What the first of two steps needs: what is deleted, and of the rest what may have to be parked. */
static bool wanted(const struct batch *batch, enum stage_step step, const struct folded_row *row)
{
    if (!batch_has(batch, row) || (row->op == ROW_NOTHING && batch->strict))
        return false;
    return step == STAGE_ALL || (step == STAGE_MAKE_ROOM ? row->op != ROW_INSERT : row->op != ROW_DELETE);
}

static enum sc_result fill(struct session *s, const struct batch *batch, enum stage_step step, struct staged *staged,
                           struct sc_error *err)
{
    struct buf b = {0};
    buf_str(&b, "COPY " STAGE " (\"seachange op\", ");
    buf_str(&b, s->apply->stage_columns);
    buf_str(&b, ") FROM STDIN");
    PGresult *res = PQexec(s->conn->pg, buf_cstr(&b));
    buf_clear(&b);
    if (PQresultStatus(res) != PGRES_COPY_IN) {
        enum sc_result result = pg_failed(s->conn, res, err);
        PQclear(res);
        buf_fini(&b);
        return result;
    }
    PQclear(res);
    bool sent = true;
    for (int op = 0; op < ROW_OPS && sent; op++) {
        size_t count;
        const struct folded_row *const *rows = fold_rows(batch->fold, (enum row_op)op, &count);
        for (size_t i = 0; i < count && sent; i++) {
            if (!wanted(batch, step, rows[i]))
                continue;
            add_folded(&b, s, batch, rows[i], step == STAGE_MAKE_ROOM ? s->apply->park_inputs : NULL, staged);
            sent = send_rows(s, &b, false);
        }
    }
    sent = sent && send_rows(s, &b, true);
    buf_fini(&b);
    PQputCopyEnd(s->conn->pg, sent ? NULL : "interrupted");
    enum sc_result result = SC_OK;
    while ((res = PQgetResult(s->conn->pg))) {
        if (result == SC_OK && PQresultStatus(res) != PGRES_COMMAND_OK)
            result = pg_failed(s->conn, res, err);
        PQclear(res);
    }
    if (result == SC_OK && !sent)
        result = pg_failed(s->conn, NULL, err);
    return result;
}

/* --- the batch
 * -------------------------------------------------------------------------------------------------------------------
 */

enum sc_result pg_stage_apply(struct session *s, const struct batch *batch, enum stage_step step, struct sc_error *err)
{
    uint32_t groups = fold_groups(batch->fold);
    struct staged staged = {.updates = mem_array(groups + 1, sizeof(size_t)),
                            .kept = mem_array(groups + 1, sizeof(size_t)),
                            .fresh = mem_array(groups + 1, sizeof(size_t))};
    /* Within one transaction (the cutover's, or after a rollback to its savepoint) an earlier batch's rows are still
     * there. */
    enum sc_result result = s->in_cutover ? pg_run(s->conn, err, "TRUNCATE " STAGE) : SC_OK;
    if (result == SC_OK)
        result = fill(s, batch, step, &staged, err);
    if (result == SC_OK && step != STAGE_SET)
        result = pg_staged_delete(s, batch, &staged, err);
    if (result == SC_OK && step != STAGE_SET && batch->strict && s->apply->parks)
        result = pg_park(s, batch, &staged, err);
    if (result == SC_OK && step != STAGE_MAKE_ROOM)
        result = pg_staged_moves(s, batch, &staged, err);
    if (result == SC_OK && step != STAGE_MAKE_ROOM)
        result = pg_staged_updates(s, batch, &staged, err);
    if (result == SC_OK && step != STAGE_MAKE_ROOM)
        result = pg_staged_inserts(s, batch, &staged, err);
    mem_free(staged.updates);
    mem_free(staged.kept);
    mem_free(staged.fresh);
    return result;
}
