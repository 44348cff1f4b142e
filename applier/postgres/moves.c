/* Rows that moved to another key while the log left some of their columns out as unchanged.
 *
 * Where the ghost has the row as the log has it (strict mode; or lenient, when all that could be ahead of the log is
 * known by its key), one UPDATE moves it and sets what is known. Elsewhere nothing of what the ghost has at the old key
 * may end at the new one: the old row was deleted with the others, the new one is set if it is there (a chunk saw the
 * move) and read from the source if not. Why: docs/internals/ordering.md. */
#include "applier/postgres/staged.h"

#include <stdio.h>
#include <string.h>

#include "applier/postgres/mapping.h"

void staged_add_from(struct buf *sql, const struct target *t)
{
    for (int k = 0; k < t->key.count; k++)
        buf_printf(sql, "%s\"seachange from %d\"", k ? ", " : "", k);
}

/* (SELECT keys FROM (SELECT the old key AS the key, nothing else) AS name) AS "seachange row": of "seachange moved". */
void staged_add_old_keys(struct buf *sql, const struct session *s)
{
    const struct target *t = s->target;
    buf_str(sql, ", LATERAL (SELECT ");
    staged_add_keys(sql, t);
    buf_str(sql, " FROM (SELECT ");
    for (int i = 0; i < t->nlogged; i++) {
        buf_str(sql, i ? ", " : "");
        int key = -1;
        for (int k = 0; k < t->key.count; k++)
            key = t->logged_key[k] == i ? k : key;
        if (key >= 0)
            buf_printf(sql, "\"seachange moved\".\"seachange from %d\" AS ", key);
        else
            buf_printf(sql, "NULL::%s AS ", s->apply->stage_types[i]);
        pg_add_ident(sql, t->source.columns[t->logged[i]].name);
    }
    buf_str(sql, ") AS ");
    pg_add_ident(sql, t->source.name);
    buf_str(sql, ") AS \"seachange row\"");
}

static enum sc_result move_kept(struct session *s, const struct batch *batch, uint32_t group, size_t count,
                                struct sc_error *err)
{
    const struct target *t = s->target;
    const uint64_t *mask = fold_group_mask(batch->fold, group);
    struct buf sql = {0}, inner = {0};
    char code[STAGED_CODE], condition[STAGED_CODE + 8];
    staged_code(code, STAGED_KEPT, group);
    snprintf(condition, sizeof(condition), "= '%s'", code);
    bool partly = false;
    buf_str(&sql, "UPDATE ");
    pg_add_ghost(&sql, t);
    buf_str(&sql, " AS \"seachange ghost\" SET ");
    int set = 0;
    for (int i = 0; i < t->map.ncolumns; i++) {
        const struct pg_mapped *m = &t->map.columns[i];
        if (m->ninputs == 0)
            continue;
        enum mapped_state state = pg_mapped_state(s, m, staged_in_mask, mask);
        partly |= state == MAPPED_PARTLY;
        if (state != MAPPED_KNOWN)
            continue;
        buf_str(&sql, set++ ? ", " : "");
        pg_add_ident(&sql, m->ghost_column);
        buf_printf(&sql, " = \"seachange moved\".\"seachange m%d\"", i);
        buf_printf(&inner, ", %s AS \"seachange m%d\"", m->expression, i);
    }
    buf_str(&sql, " FROM (SELECT ");
    staged_add_from(&sql, t);
    buf_str(&sql, buf_cstr(&inner));
    buf_str(&sql, " FROM ");
    staged_add(&sql, t, condition);
    buf_str(&sql, ") AS \"seachange moved\"");
    staged_add_old_keys(&sql, s);
    buf_str(&sql, " WHERE ");
    staged_add_match(&sql, t);
    buf_fini(&inner);
    enum sc_result result = staged_run(s, &sql, "UPDATE of rows that moved", true, count, err);
    if (result == SC_OK && partly)
        result = staged_repair(s, batch, code, ROW_MOVE, group, err);
    return result;
}

/* FROM ... WHERE: the moved rows that the ghost does not have at their new key; "seachange row" has their keys. */
static void add_missing(struct buf *sql, const struct target *t)
{
    buf_str(sql, " FROM (SELECT ");
    pg_add_key(sql, t, NULL);
    buf_str(sql, ", ");
    staged_add_keys(sql, t);
    buf_str(sql, " FROM ");
    staged_add(sql, t, "LIKE 'm%'");
    buf_str(sql, ") AS \"seachange row\" WHERE NOT EXISTS (SELECT 1 FROM ");
    pg_add_ghost(sql, t);
    buf_str(sql, " AS \"seachange ghost\" WHERE ");
    staged_add_match(sql, t);
    buf_str(sql, ")");
}

static enum sc_result read_missing(struct session *s, const struct batch *batch, const struct staged *staged,
                                   struct sc_error *err)
{
    const struct target *t = s->target;
    struct buf sql = {0};
    buf_str(&sql, "SELECT 1");
    add_missing(&sql, t);
    buf_str(&sql, " LIMIT 1");
    char *missing = NULL;
    enum sc_result result = pg_value(s->conn, err, &missing, buf_cstr(&sql), 0, NULL);
    buf_fini(&sql);
    if (result != SC_OK || !missing)
        return result;
    mem_free(missing);
    buf_str(&sql, "SELECT ");
    pg_add_key(&sql, t, "\"seachange row\".");
    add_missing(&sql, t);
    result = pg_repair(s, batch, buf_cstr(&sql), 0, NULL, NULL, err);
    buf_fini(&sql);
    for (uint32_t group = 0; group < fold_groups(batch->fold); group++) {
        size_t count;
        const struct folded_row *const *rows = fold_group_rows(batch->fold, ROW_MOVE, group, &count);
        for (size_t i = 0; i < count && staged->fresh[group] > 0; i++)
            if (batch_has(batch, rows[i]) && !pg_row_exact(s, batch, rows[i]->from))
                pg_ahead_add(s, rows[i]->key);
    }
    return result;
}

enum sc_result pg_staged_moves(struct session *s, const struct batch *batch, const struct staged *staged,
                               struct sc_error *err)
{
    enum sc_result result = SC_OK;
    uint32_t groups = fold_groups(batch->fold);
    bool fresh = false;
    for (uint32_t group = 0; group < groups && result == SC_OK; group++) {
        if (staged->kept[group] > 0)
            result = move_kept(s, batch, group, staged->kept[group], err);
        fresh |= staged->fresh[group] > 0;
    }
    if (result == SC_OK && fresh)
        result = read_missing(s, batch, staged, err);
    for (uint32_t group = 0; group < groups && result == SC_OK && fresh; group++) {
        if (staged->fresh[group] == 0)
            continue;
        char code[STAGED_CODE];
        staged_code(code, STAGED_FRESH, group);
        bool partly = false;
        result = staged_update(s, code, fold_group_mask(batch->fold, group), false, 0, &partly, err);
        if (result == SC_OK && partly)
            result = staged_repair(s, batch, code, ROW_MOVE, group, err);
    }
    return result;
}
