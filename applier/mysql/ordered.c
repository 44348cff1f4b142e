/* Changes one after the other in the order of the log: where
 * sets of rows conflict in an order the source never had, and for TRUNCATE. */
#include <string.h>

#include "applier/mysql/sets.h"

static bool same_value(const struct value *a, const struct value *b)
{
    return a->state == b->state &&
           (a->state != VALUE_PRESENT || (a->len == b->len && memcmp(a->data, b->data, a->len) == 0));
}

static bool moves_key(const struct target *t, const struct change *c)
{
    for (int k = 0; c->old_row && k < t->key.count; k++)
        if (!same_value(&c->old_row[t->logged_key[k]], &c->new_row[t->logged_key[k]]))
            return true;
    return false;
}

static void key_of(const struct target *t, const struct value *row, struct value *key)
{
    for (int k = 0; k < t->key.count; k++)
        key[k] = row[t->logged_key[k]];
}

static enum sc_result apply_one(struct session *s, const struct batch *batch, const struct change *c,
                                struct sc_error *err)
{
    const struct target *t = s->target;
    struct value old[MAX_KEY_COLUMNS], new[MAX_KEY_COLUMNS];
    if (c->kind == CHANGE_TRUNCATE)
        return my_set_truncate(s, err);
    if (c->ncolumns != t->source.ncolumns)
        return error_set(err, SC_FAIL, "the log gave a row of %u columns, table %s.%s has %d", c->ncolumns, t->schema,
                         t->name, t->source.ncolumns);
    key_of(t, c->old_row ? c->old_row : c->new_row, old);
    if (c->kind == CHANGE_DELETE)
        return my_set_row(s, MY_SET_DELETE, old, NULL, err);
    key_of(t, c->new_row, new);
    bool moves = c->kind == CHANGE_UPDATE && moves_key(t, c);
    if (batch->strict && c->kind == CHANGE_INSERT)
        return my_set_row(s, MY_SET_INSERT, new, c->new_row, err);
    /* A staged row is looked for with what stands before it done. */
    if (batch->strict && s->apply->sets->staged && !moves)
        return my_set_row(s, MY_SET_UPDATE, new, c->new_row, err);
    if (batch->strict)
        return my_set_change(s, old, c->new_row, err);
    enum sc_result result = SC_OK;
    if (moves)
        result = my_set_row(s, MY_SET_DELETE, old, NULL, err);
    return result == SC_OK ? my_set_row(s, MY_SET_UPSERT, new, c->new_row, err) : result;
}

enum sc_result my_ordered_apply(struct session *s, const struct batch *batch, struct sc_error *err)
{
    struct arena arena = {0};
    enum sc_result result = SC_OK;
    my_sets_begin(s, batch->strict);
    for (size_t i = 0; i < batch->count && result == SC_OK; i++) {
        struct change change;
        arena_reset(&arena);
        result = change_decode(&arena, batch->changes[i].data, batch->changes[i].len, &change, err);
        if (result == SC_OK)
            result = apply_one(s, batch, &change, err);
    }
    if (result == SC_OK)
        result = my_sets_end(s, err);
    arena_fini(&arena);
    return result;
}
