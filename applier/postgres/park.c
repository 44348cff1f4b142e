/* Rows that exchange the values of a unique index: a set sets one row after the other and finds the value still taken,
 * in an order the source never had. Before such a batch's rows are set, the unique columns that are to become another
 * value are made NULL, which conflicts with nothing; the statements that follow set every one of them. It is done only
 * once a conflict has shown the need, only for columns that may be NULL, and whatever fails then is applied in the
 * log's order. */
#include "applier/postgres/staged.h"

#include <stdio.h>
#include <string.h>

#include "applier/postgres/mapping.h"

enum sc_result pg_park_learn(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    struct apply_plan *plan = s->apply;
    if (plan->park_types)
        return SC_OK;
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", t->ghost_oid);
    PGresult *res = NULL;
    enum sc_result result =
        pg_query(s->conn, err, &res,
                 "SELECT DISTINCT attname, pg_catalog.format_type(atttypid, atttypmod) FROM pg_catalog.pg_index"
                 " JOIN pg_catalog.pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey::pg_catalog.int2[])"
                 " WHERE indrelid = $1::pg_catalog.oid AND indisunique AND attnum > 0 AND NOT attnotnull",
                 1, (const char *[]){oid});
    if (result != SC_OK)
        return result;
    plan->park_types = arena_array(&plan->arena, (size_t)t->map.ncolumns, sizeof(char *));
    for (int row = 0; row < PQntuples(res); row++)
        for (int i = 0; i < t->map.ncolumns; i++)
            if (t->map.columns[i].ninputs > 0 && !pg_mapped_is_key(t, i) &&
                strcmp(t->map.columns[i].ghost_column, PQgetvalue(res, row, 0)) == 0) {
                plan->park_types[i] = arena_strdup(&plan->arena, PQgetvalue(res, row, 1));
                plan->parks = true;
            }
    plan->park_inputs = arena_array(&plan->arena, (size_t)t->nlogged, sizeof(bool));
    for (int k = 0; k < t->key.count; k++)
        plan->park_inputs[t->logged_key[k]] = true;
    for (int i = 0; i < t->map.ncolumns; i++)
        for (int n = 0; plan->park_types[i] && n < t->map.columns[i].ninputs; n++)
            if (plan->logged_of[t->map.columns[i].inputs[n]] >= 0)
                plan->park_inputs[plan->logged_of[t->map.columns[i].inputs[n]]] = true;
    PQclear(res);
    return result;
}

/* The rows with this code, found by their key or by the one they move from. Only what the statement behind this one
 * will set may be touched: columns that the mask says are known. */
static enum sc_result park(struct session *s, const char *code, const uint64_t *mask, bool moved, struct sc_error *err)
{
    const struct target *t = s->target;
    struct buf sets = {0}, values = {0}, differs = {0}, sql = {0};
    for (int i = 0; i < t->map.ncolumns; i++) {
        const struct pg_mapped *m = &t->map.columns[i];
        if (!s->apply->park_types[i] || pg_mapped_state(s, m, staged_in_mask, mask) != MAPPED_KNOWN)
            continue;
        buf_str(&sets, sets.len ? ", " : "");
        pg_add_ident(&sets, m->ghost_column);
        buf_str(&sets, " = NULL");
        buf_printf(&values, ", CAST(%s AS %s) AS \"seachange m%d\"", m->expression, s->apply->park_types[i], i);
        buf_str(&differs, differs.len ? " OR \"seachange ghost\"." : "\"seachange ghost\".");
        pg_add_ident(&differs, m->ghost_column);
        buf_printf(&differs, " IS DISTINCT FROM \"seachange %s\".\"seachange m%d\"", moved ? "moved" : "row", i);
    }
    enum sc_result result = SC_OK;
    if (sets.len > 0) {
        char condition[STAGED_CODE + 8];
        snprintf(condition, sizeof(condition), "= '%s'", code);
        buf_str(&sql, "UPDATE ");
        pg_add_ghost(&sql, t);
        buf_printf(&sql, " AS \"seachange ghost\" SET %s FROM (SELECT ", buf_cstr(&sets));
        if (moved)
            staged_add_from(&sql, t);
        else
            staged_add_keys(&sql, t);
        buf_printf(&sql, "%s FROM ", buf_cstr(&values));
        staged_add(&sql, t, condition);
        buf_printf(&sql, ") AS \"seachange %s\"", moved ? "moved" : "row");
        if (moved)
            staged_add_old_keys(&sql, s);
        buf_str(&sql, " WHERE ");
        staged_add_match(&sql, t);
        buf_printf(&sql, " AND (%s)", buf_cstr(&differs));
        result = staged_run(s, &sql, "UPDATE", false, 0, err);
    }
    buf_fini(&sets);
    buf_fini(&values);
    buf_fini(&differs);
    return result;
}

enum sc_result pg_park(struct session *s, const struct batch *batch, const struct staged *staged, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (uint32_t group = 0; group < fold_groups(batch->fold) && result == SC_OK; group++) {
        const uint64_t *mask = fold_group_mask(batch->fold, group);
        char code[STAGED_CODE];
        staged_code(code, STAGED_KEPT, group);
        if (staged->kept[group] > 0)
            result = park(s, code, mask, true, err);
        staged_code(code, 'u', group);
        if (result == SC_OK && staged->updates[group] > 0)
            result = park(s, code, mask, false, err);
    }
    return result == SC_OK && staged->ops[ROW_REPLACE] > 0 ? park(s, "r", NULL, false, err) : result;
}
