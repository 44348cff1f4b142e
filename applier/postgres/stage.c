/* A folded batch, applied set by set.
 *
 * The rows go by COPY into a temporary table (no WAL, and every value passes through its type's own input function, so
 * nothing is lost on the way), and from there into the ghost by one statement an operation: DELETE, one UPDATE for each
 * set of columns the log left out as unchanged, INSERT. In strict mode each statement must find exactly as many rows as
 * the log says. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/fold.h"
#include "applier/postgres/apply.h"
#include "applier/postgres/mapping.h"

#define STAGE "pg_temp.seachange_stage"
#define COPY_FLUSH_BYTES 65536

/* --- the staging table
 * --------------------------------------------------------------------------------------------------- */

/* Domains are taken for what they are made of: their checks are the ghost's work, and a NOT NULL domain would not take
 * the NULL that stands for "unchanged" here. */
static enum sc_result learn_types(struct session *s, struct apply_plan *plan, struct sc_error *err)
{
    struct target *t = s->target;
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", t->source.oid);
    PGresult *res = NULL;
    enum sc_result result = pg_query(
        s->conn, err, &res,
        "WITH RECURSIVE base(attnum, attname, typid, typmod) AS ("
        " SELECT attnum, attname, atttypid, atttypmod FROM pg_catalog.pg_attribute"
        " WHERE attrelid = $1::pg_catalog.oid AND attnum > 0 AND NOT attisdropped"
        " UNION ALL SELECT attnum, attname, t.typbasetype, t.typtypmod FROM base JOIN pg_catalog.pg_type t ON t.oid = "
        "typid"
        " WHERE t.typtype = 'd')"
        " SELECT attname, pg_catalog.format_type(typid, typmod) FROM base JOIN pg_catalog.pg_type t ON t.oid = typid"
        " WHERE t.typtype <> 'd'",
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
    buf_str(&sql, "CREATE TEMPORARY TABLE seachange_stage (\"seachange op\" text");
    for (int i = 0; i < t->nlogged; i++) {
        plan->logged_of[t->logged[i]] = i;
        buf_str(&sql, ", ");
        pg_add_ident(&sql, t->source.columns[t->logged[i]].name);
        buf_printf(&sql, " %s", plan->stage_types[i]);
        buf_str(&columns, i ? ", " : "");
        pg_add_ident(&columns, t->source.columns[t->logged[i]].name);
    }
    /* The planner knows nothing about a table that is filled anew each time: without hash and merge joins it looks each
     * row up by the ghost's key index, which is what is wanted for a batch. */
    buf_str(
        &sql,
        ") ON COMMIT DELETE ROWS; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off");
    result = pg_run(s->conn, err, buf_cstr(&sql));
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

static void add_row(struct buf *b, const struct target *t, const char *op, const struct folded_row *row)
{
    buf_str(b, op);
    for (int i = 0; i < t->nlogged; i++) {
        const struct value *v = row->values ? &row->values[i] : NULL;
        for (int k = 0; !row->values && k < t->key.count; k++)
            if (t->logged_key[k] == i)
                v = &row->key[k];
        buf_char(b, '\t');
        add_copy_value(b, v);
    }
    buf_char(b, '\n');
}

/* What an operation is called in the staging table. */
static void op_code(char out[static 16], enum row_op op, uint32_t group)
{
    static const char codes[ROW_OPS] = {
        [ROW_DELETE] = 'd', [ROW_NOTHING] = 'n', [ROW_UPDATE] = 'u', [ROW_REPLACE] = 'r', [ROW_INSERT] = 'i'};
    snprintf(out, 16, op == ROW_UPDATE ? "%c%" PRIu32 : "%c", codes[op], group);
}

static enum sc_result fill(struct session *s, const struct batch *batch, struct sc_error *err)
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
        if (op == ROW_NOTHING && batch->strict)
            continue;
        size_t count;
        const struct folded_row *const *rows = fold_rows(batch->fold, (enum row_op)op, &count);
        for (size_t i = 0; i < count && sent; i++) {
            char code[16];
            op_code(code, rows[i]->op, rows[i]->group);
            add_row(&b, s->target, code, rows[i]);
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

/* --- from there into the ghost
 * ------------------------------------------------------------------------------------------- */

/* (SELECT * FROM stage WHERE op IN (...)) AS name: looks like the source to the expressions. */
static void add_staged(struct buf *sql, const struct target *t, const char *condition)
{
    buf_printf(sql, "(SELECT * FROM " STAGE " WHERE \"seachange op\" %s) AS ", condition);
    pg_add_ident(sql, t->source.name);
}

static void add_key_match(struct buf *sql, const struct target *t)
{
    for (int k = 0; k < t->map.nkey; k++) {
        buf_str(sql, k ? " AND \"seachange ghost\"." : "\"seachange ghost\".");
        pg_add_ident(sql, t->map.columns[t->map.key[k]].ghost_column);
        buf_printf(sql, " = \"seachange row\".\"seachange k%d\"", k);
    }
}

static enum sc_result run_counted(struct session *s, struct buf *sql, const char *what, bool check, uint64_t expected,
                                  struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = pg_query(s->conn, err, &res, buf_cstr(sql), 0, NULL);
    if (result == SC_OK && check) {
        uint64_t found = strtoull(PQcmdTuples(res), NULL, 10);
        if (found != expected)
            result = pg_count_differs(s, what, expected, found, err);
    }
    PQclear(res);
    buf_fini(sql);
    return result;
}

static enum sc_result delete_rows(struct session *s, const struct batch *batch, struct sc_error *err)
{
    const struct target *t = s->target;
    size_t deletes, nothings;
    fold_rows(batch->fold, ROW_DELETE, &deletes);
    fold_rows(batch->fold, ROW_NOTHING, &nothings);
    if (deletes + (batch->strict ? 0 : nothings) == 0)
        return SC_OK;
    struct buf sql = {0};
    buf_str(&sql, "DELETE FROM ");
    pg_add_ghost(&sql, t);
    buf_str(&sql, " AS \"seachange ghost\" USING (SELECT ");
    for (int k = 0; k < t->map.nkey; k++) {
        buf_str(&sql, k ? ", " : "");
        pg_add_key_expression(&sql, t, k);
        buf_printf(&sql, " AS \"seachange k%d\"", k);
    }
    buf_str(&sql, " FROM ");
    add_staged(&sql, t, "IN ('d', 'n')");
    buf_str(&sql, ") AS \"seachange row\" WHERE ");
    add_key_match(&sql, t);
    return run_counted(s, &sql, "DELETE", batch->strict, deletes, err);
}

static bool in_mask(const void *mask, int logged)
{
    return mask && fold_mask_has(mask, (uint16_t)logged);
}

/* UPDATE of the rows with this operation code: sets what is known, and says whether something is only partly known. */
static enum sc_result update_rows(struct session *s, const struct batch *batch, const char *code, const uint64_t *mask,
                                  size_t count, bool *partly, struct sc_error *err)
{
    const struct target *t = s->target;
    struct buf sql = {0}, inner = {0};
    buf_str(&sql, "UPDATE ");
    pg_add_ghost(&sql, t);
    buf_str(&sql, " AS \"seachange ghost\" SET ");
    int set = 0;
    for (int i = 0; i < t->map.ncolumns; i++) {
        const struct pg_mapped *m = &t->map.columns[i];
        if (m->ninputs == 0 || pg_mapped_is_key(t, i))
            continue;
        enum mapped_state state = pg_mapped_state(s, m, in_mask, mask);
        *partly |= state == MAPPED_PARTLY;
        if (state != MAPPED_KNOWN)
            continue;
        buf_str(&sql, set++ ? ", " : "");
        pg_add_ident(&sql, m->ghost_column);
        buf_printf(&sql, " = \"seachange row\".\"seachange m%d\"", i);
        buf_printf(&inner, ", %s AS \"seachange m%d\"", m->expression, i);
    }
    if (set == 0) {
        buf_fini(&sql);
        buf_fini(&inner);
        return SC_OK;
    }
    buf_str(&sql, " FROM (SELECT ");
    for (int k = 0; k < t->map.nkey; k++) {
        buf_str(&sql, k ? ", " : "");
        pg_add_key_expression(&sql, t, k);
        buf_printf(&sql, " AS \"seachange k%d\"", k);
    }
    buf_str(&sql, buf_cstr(&inner));
    buf_str(&sql, " FROM ");
    char condition[32];
    snprintf(condition, sizeof(condition), "= '%s'", code);
    add_staged(&sql, t, condition);
    buf_str(&sql, ") AS \"seachange row\" WHERE ");
    add_key_match(&sql, t);
    buf_fini(&inner);
    return run_counted(s, &sql, "UPDATE", batch->strict, count, err);
}

static enum sc_result update_groups(struct session *s, const struct batch *batch, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (uint32_t group = 0; group < fold_groups(batch->fold) && result == SC_OK; group++) {
        size_t count;
        fold_update_group(batch->fold, group, &count);
        char code[16];
        op_code(code, ROW_UPDATE, group);
        bool partly = false;
        result = update_rows(s, batch, code, fold_group_mask(batch->fold, group), count, &partly, err);
        if (result == SC_OK && partly) {
            struct buf rows = {0};
            buf_str(&rows, "SELECT ");
            pg_add_key(&rows, s->target, NULL);
            buf_printf(&rows, " FROM " STAGE " WHERE \"seachange op\" = '%s'", code);
            result = pg_repair(s, batch, buf_cstr(&rows), 0, NULL, false, err);
            buf_fini(&rows);
        }
    }
    return result;
}

static enum sc_result insert_rows(struct session *s, const struct batch *batch, struct sc_error *err)
{
    const struct target *t = s->target;
    size_t inserts, replaces;
    fold_rows(batch->fold, ROW_INSERT, &inserts);
    fold_rows(batch->fold, ROW_REPLACE, &replaces);
    if (inserts + (batch->strict ? 0 : replaces) == 0)
        return SC_OK;
    struct buf sql = {0};
    buf_str(&sql, "INSERT INTO ");
    pg_add_ghost(&sql, t);
    buf_str(&sql, " (");
    pg_add_ghost_columns(&sql, t);
    buf_str(&sql, ") OVERRIDING SYSTEM VALUE SELECT ");
    pg_add_expressions(&sql, t);
    buf_str(&sql, " FROM ");
    add_staged(&sql, t, batch->strict ? "= 'i'" : "IN ('i', 'r')");
    if (!batch->strict)
        pg_add_upsert(&sql, t);
    return run_counted(s, &sql, "INSERT", batch->strict, inserts, err);
}

enum sc_result pg_stage_apply(struct session *s, const struct batch *batch, struct sc_error *err)
{
    /* Within one transaction (the cutover's, or after a rollback to its savepoint) an earlier batch's rows are still
     * there. */
    enum sc_result result = s->in_cutover ? pg_run(s->conn, err, "TRUNCATE " STAGE) : SC_OK;
    if (result == SC_OK)
        result = fill(s, batch, err);
    if (result == SC_OK)
        result = delete_rows(s, batch, err);
    if (result == SC_OK)
        result = update_groups(s, batch, err);
    if (result == SC_OK && batch->strict) {
        size_t replaces;
        bool partly = false;
        fold_rows(batch->fold, ROW_REPLACE, &replaces);
        if (replaces > 0)
            result = update_rows(s, batch, "r", NULL, replaces, &partly, err);
    }
    if (result == SC_OK)
        result = insert_rows(s, batch, err);
    return result;
}
