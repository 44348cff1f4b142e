/* From the staging table into the ghost: DELETE, one UPDATE for each set of columns the log left out as unchanged,
 * INSERT. In strict mode each statement must find exactly as many rows as the log says. */
#include "applier/postgres/staged.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "applier/postgres/apply.h"
#include "applier/postgres/mapping.h"
#include "base/plant.h"

void staged_code(char out[static STAGED_CODE], char letter, uint32_t group)
{
    snprintf(out, STAGED_CODE, "%c%" PRIu32, letter, group);
}

void staged_add_keys(struct buf *sql, const struct target *t)
{
    for (int k = 0; k < t->map.nkey; k++) {
        buf_str(sql, k ? ", " : "");
        pg_add_key_expression(sql, t, k);
        buf_printf(sql, " AS \"seachange k%d\"", k);
    }
}

void staged_add(struct buf *sql, const struct target *t, const char *condition)
{
    buf_printf(sql, "(SELECT * FROM " STAGE " WHERE \"seachange op\" %s) AS ", condition);
    pg_add_ident(sql, t->source.name);
}

void staged_add_match(struct buf *sql, const struct target *t)
{
    for (int k = 0; k < t->map.nkey; k++) {
        buf_str(sql, k ? " AND \"seachange ghost\"." : "\"seachange ghost\".");
        pg_add_ident(sql, t->map.columns[t->map.key[k]].ghost_column);
        buf_printf(sql, " = \"seachange row\".\"seachange k%d\"", k);
    }
}

enum sc_result staged_run(struct session *s, struct buf *sql, const char *what, bool check, uint64_t expected,
                          struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = pg_query(s->conn, err, &res, buf_cstr(sql), 0, NULL);
    if (result == SC_OK && check) {
        uint64_t found = strtoull(PQcmdTuples(res), NULL, 10);
        if (found != expected && !PLANTED(B5_COUNTS_NOT_CHECKED))
            result = pg_count_differs(s, what, expected, found, err);
    }
    PQclear(res);
    buf_fini(sql);
    return result;
}

enum sc_result pg_staged_delete(struct session *s, const struct batch *batch, const struct staged *staged,
                                struct sc_error *err)
{
    const struct target *t = s->target;
    size_t deletes = staged->ops[ROW_DELETE], all = deletes + staged->ops[ROW_NOTHING];
    for (uint32_t group = 0; group < fold_groups(batch->fold); group++)
        all += staged->fresh[group];
    if (all == 0)
        return SC_OK;
    struct buf sql = {0};
    buf_str(&sql, "DELETE FROM ");
    pg_add_ghost(&sql, t);
    buf_str(&sql, " AS \"seachange ghost\" USING (SELECT ");
    staged_add_keys(&sql, t);
    buf_str(&sql, " FROM ");
    staged_add(&sql, t, "IN ('d', 'n')");
    buf_str(&sql, ") AS \"seachange row\" WHERE ");
    staged_add_match(&sql, t);
    return staged_run(s, &sql, "DELETE", batch->strict, deletes, err);
}

bool staged_in_mask(const void *mask, int logged)
{
    return mask && fold_mask_has(mask, (uint16_t)logged);
}

enum sc_result staged_update(struct session *s, const char *code, const uint64_t *mask, bool check, size_t expected,
                             bool *partly, struct sc_error *err)
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
        enum mapped_state state = pg_mapped_state(s, m, staged_in_mask, mask);
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
    staged_add_keys(&sql, t);
    buf_str(&sql, buf_cstr(&inner));
    buf_str(&sql, " FROM ");
    char condition[32];
    snprintf(condition, sizeof(condition), "= '%s'", code);
    staged_add(&sql, t, condition);
    buf_str(&sql, ") AS \"seachange row\" WHERE ");
    staged_add_match(&sql, t);
    buf_fini(&inner);
    return staged_run(s, &sql, "UPDATE", check, expected, err);
}

enum sc_result staged_repair(struct session *s, const struct batch *batch, const char *code, enum row_op op,
                             uint32_t group, struct sc_error *err)
{
    struct buf rows = {0};
    buf_str(&rows, "SELECT ");
    pg_add_key(&rows, s->target, NULL);
    buf_printf(&rows, " FROM " STAGE " WHERE \"seachange op\" = '%s'", code);
    struct unknown unknown = {staged_in_mask, fold_group_mask(batch->fold, group)};
    enum sc_result result = pg_repair(s, batch, buf_cstr(&rows), 0, NULL, &unknown, err);
    buf_fini(&rows);
    size_t count;
    const struct folded_row *const *read = fold_group_rows(batch->fold, op, group, &count);
    for (size_t i = 0; i < count && !batch->strict; i++)
        if (batch_has(batch, read[i]))
            pg_ahead_add(s, read[i]->key);
    return result;
}

enum sc_result pg_staged_updates(struct session *s, const struct batch *batch, const struct staged *staged,
                                 struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (uint32_t group = 0; group < fold_groups(batch->fold) && result == SC_OK; group++) {
        size_t count = staged->updates[group];
        if (count == 0)
            continue;
        char code[STAGED_CODE];
        staged_code(code, 'u', group);
        bool partly = false;
        result = staged_update(s, code, fold_group_mask(batch->fold, group), batch->strict, count, &partly, err);
        if (result == SC_OK && partly)
            result = staged_repair(s, batch, code, ROW_UPDATE, group, err);
    }
    size_t replaces = staged->ops[ROW_REPLACE];
    bool partly = false;
    if (result == SC_OK && batch->strict && replaces > 0)
        result = staged_update(s, "r", NULL, true, replaces, &partly, err);
    return result;
}

enum sc_result pg_staged_inserts(struct session *s, const struct batch *batch, const struct staged *staged,
                                 struct sc_error *err)
{
    const struct target *t = s->target;
    size_t inserts = staged->ops[ROW_INSERT];
    if (inserts + (batch->strict ? 0 : staged->ops[ROW_REPLACE]) == 0)
        return SC_OK;
    struct buf sql = {0};
    pg_add_insert(&sql, t);
    staged_add(&sql, t, batch->strict ? "= 'i'" : "IN ('i', 'r')");
    if (!batch->strict)
        pg_add_upsert(&sql, t);
    if (batch->strict && PLANTED(B1_CONFLICTS_PASSED_OVER))
        buf_str(&sql, " ON CONFLICT DO NOTHING");
    return staged_run(s, &sql, "INSERT", batch->strict && !PLANTED(B1_CONFLICTS_PASSED_OVER), inserts, err);
}
