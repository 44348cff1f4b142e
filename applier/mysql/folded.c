/* A folded batch, applied set by set: first what goes, then what is set. */
#include "applier/fold.h"

#include "applier/mysql/sets.h"
#include "base/plant.h"

static bool moved_in_part(const struct target *t, const struct folded_row *row)
{
    for (int i = 0; row->op == ROW_MOVE && i < t->source.ncolumns; i++)
        if (row->values[i].state == VALUE_UNCHANGED || row->values[i].state == VALUE_ABSENT)
            return true;
    return false;
}

/* The log always holds whole rows here, so a move is folded to its two ends. Should one come all the same, it is known
 * whole, or the log has left something out. */
static enum sc_result add_rows(struct session *s, const struct batch *batch, enum row_op op, enum my_set_kind kind,
                               bool from, struct sc_error *err)
{
    size_t count;
    const struct folded_row *const *rows = fold_rows(batch->fold, op, &count);
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < count && result == SC_OK; i++) {
        if (!batch_has(batch, rows[i]))
            continue;
        if (moved_in_part(s->target, rows[i]))
            return error_set(err, SC_FAIL, "the log left out columns of a row of %s.%s", s->target->schema,
                             s->target->name);
        result = my_set_row(s, kind, from ? rows[i]->from : rows[i]->key, rows[i]->values, err);
    }
    return result;
}

static enum sc_result make_room(struct session *s, const struct batch *batch, struct sc_error *err)
{
    enum sc_result result = add_rows(s, batch, ROW_DELETE, MY_SET_DELETE, false, err);
    if (result == SC_OK && !batch->strict)
        result = add_rows(s, batch, ROW_NOTHING, MY_SET_DELETE, false, err);
    if (result == SC_OK)
        result = add_rows(s, batch, ROW_MOVE, MY_SET_DELETE, true, err);
    if (result == SC_OK && batch->strict && s->apply->sets->parks) {
        result = add_rows(s, batch, ROW_UPDATE, MY_SET_PARK, false, err);
        if (result == SC_OK)
            result = add_rows(s, batch, ROW_REPLACE, MY_SET_PARK, false, err);
    }
    return result;
}

/* Lenient, a whole row is put there whether or not the ghost has it already. That is right for an UPDATE too: if its
 * chunk is still to come it will leave the row alone, and if its chunk saw the row's end, that end is still to come in
 * the log. */
static enum sc_result set_rows(struct session *s, const struct batch *batch, struct sc_error *err)
{
    enum my_set_kind update = batch->strict ? MY_SET_UPDATE : MY_SET_UPSERT;
    enum my_set_kind insert = batch->strict && !PLANTED(B1_UPSERT_OVER_ANOTHER_ROW) ? MY_SET_INSERT : MY_SET_UPSERT;
    enum sc_result result = add_rows(s, batch, ROW_UPDATE, update, false, err);
    if (result == SC_OK)
        result = add_rows(s, batch, ROW_REPLACE, update, false, err);
    if (result == SC_OK)
        result = add_rows(s, batch, ROW_MOVE, insert, false, err);
    if (result == SC_OK)
        result = add_rows(s, batch, ROW_INSERT, insert, false, err);
    return result;
}

enum sc_result my_folded_apply(struct session *s, const struct batch *batch, enum my_step step, struct sc_error *err)
{
    my_sets_begin(s, batch->strict);
    enum sc_result result = step == MY_STEP_SET ? SC_OK : make_room(s, batch, err);
    if (result == SC_OK && step != MY_STEP_MAKE_ROOM)
        result = set_rows(s, batch, err);
    return result == SC_OK ? my_sets_end(s, err) : result;
}
