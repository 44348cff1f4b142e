/* Two tables of the server that are compared as they are. No ghost is made, no state is stored: one table takes the
 * source's part, the other one the ghost's.
 *
 * Rows are found by a unique key that both have. What can be compared as it stands is, so that reading is all an
 * account has to be allowed; other types are converted as in a migration, in a temporary table. */
#include "applier/pair.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "applier/mysql/comparison.h"
#include "applier/mysql/ghost.h"
#include "applier/mysql/names.h"
#include "applier/mysql/state.h"

struct side {
    char *schema, *name;
    struct my_table table;
    char *shown;
};

/* Tables a and b. */
struct sides {
    struct side a, b;
    int *of; /* b's column for each of a's, or -1 */
    const struct my_index *a_key, *b_key;
};

static void sides_fini(struct sides *s)
{
    struct side *const both[] = {&s->a, &s->b};
    for (int i = 0; i < 2; i++) {
        mem_free(both[i]->schema);
        mem_free(both[i]->name);
        my_table_fini(&both[i]->table);
        mem_free(both[i]->shown);
    }
    mem_free(s->of);
}

/* --- which tables
 * ----------------------------------------------------------------------------------------------------- */

static enum sc_result load_side(struct target *t, struct side *side, struct sc_error *err)
{
    enum sc_result result = my_table_load(t->control, side->schema, side->name, &side->table, err);
    if (result != SC_OK)
        return result;
    side->shown = my_shown_name(side->schema, side->name);
    if (strcasecmp(side->table.type, "BASE TABLE") != 0)
        result = error_set(err, SC_REFUSE, "%s is not an ordinary table: only these can be compared", side->shown);
    else if (strcasecmp(side->table.engine, "InnoDB") != 0)
        result = error_set(err, SC_REFUSE,
                           "the engine of table %s is %s: only InnoDB shows both tables as they were at one moment",
                           side->shown, side->table.engine);
    return result;
}

static bool is_of(const char *table, const char *suffix, const char *candidate)
{
    char *end = mem_printf("%s%.8s", suffix, candidate + strlen(candidate) - 8);
    char *name = my_table_name_with(table, end);
    bool is = strcasecmp(name, candidate) == 0;
    mem_free(end);
    mem_free(name);
    return is;
}

/* What a migration calls its tables follows from this one's name. */
static enum sc_result look_for(struct target *t, const struct side *of, struct strlist *fresh, struct strlist *old,
                               struct sc_error *err)
{
    char *schema = my_literal(of->schema);
    MYSQL_RES *res = NULL;
    enum sc_result result = my_queryf(t->control, err, &res,
                                      "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND "
                                      "TABLE_NAME REGEXP '_seachange_(new|old)_[0-9a-f]{8}$' ORDER BY 1",
                                      schema);
    for (MYSQL_ROW row; result == SC_OK && (row = mysql_fetch_row(res)) != NULL;) {
        if (is_of(of->name, MY_NEW_SUFFIX, row[0]))
            strlist_add(fresh, row[0]);
        else if (is_of(of->name, MY_OLD_SUFFIX, row[0]))
            strlist_add(old, row[0]);
    }
    mysql_free_result(res);
    mem_free(schema);
    return result;
}

static enum sc_result find_put_aside(struct target *t, const struct side *of, struct side *found, struct sc_error *err)
{
    struct strlist fresh = {0}, old = {0};
    char *lock = my_lock_name("table", of->schema, of->name), *holder = NULL;
    enum sc_result result = my_valuef(t->control, err, &holder, "SELECT IS_USED_LOCK('%s')", lock);
    if (result == SC_OK)
        result = look_for(t, of, &fresh, &old, err);
    if (result == SC_OK && (holder || fresh.count > 0)) {
        result =
            error_set(err, SC_REFUSE, "a migration of table %s has not swapped it yet, or still cleans up", of->shown);
        error_hint(err, "It compares every row itself before its cutover. Another table can be named with --with.");
    } else if (result == SC_OK && old.count != 1) {
        result = old.count == 0
                     ? error_set(err, SC_REFUSE, "there is no table that a migration of %s has put aside", of->shown)
                     : error_set(err, SC_REFUSE, "migrations of %s have put %zu tables aside, %s and others", of->shown,
                                 old.count, old.items[0]);
        error_hint(err, "Name the table to compare it with by --with.");
    } else if (result == SC_OK) {
        found->schema = mem_strdup(of->schema);
        found->name = mem_strdup(old.items[0]);
    }
    strlist_fini(&fresh);
    strlist_fini(&old);
    mem_free(lock);
    mem_free(holder);
    return result;
}

/* --- which columns, and the key
 * --------------------------------------------------------------------------------------- */

static bool same_members(const struct my_column *a, const struct my_column *b)
{
    bool same = a->nmembers == b->nmembers;
    for (int i = 0; i < a->nmembers && same; i++)
        same = strcmp(a->members[i], b->members[i]) == 0;
    return same;
}

static bool converts(const struct my_column *from, const struct my_column *to)
{
    bool same = strcasecmp(from->type, to->type) == 0 && my_same_charset(from, to) && same_members(from, to);
    return !same && !my_comparable(from, to);
}

/* Does every value stay what it is, so that two that differ still do? */
static bool stays(const struct my_column *from, const struct my_column *to)
{
    return !converts(from, to) || my_key_stays_distinct(from, to);
}

static const char *name_of(const void *table, int column)
{
    return ((const struct my_table *)table)->columns[column].name;
}

static enum sc_result match_columns(struct sides *s, const char *map, struct sc_error *err)
{
    s->of = mem_array((size_t)s->a.table.ncolumns + 1, sizeof(int));
    return pair_columns(map, (struct pair_side){&s->a.table, s->a.table.ncolumns, name_of},
                        (struct pair_side){&s->b.table, s->b.table.ncolumns, name_of}, true, s->of, err);
}

/* Is there a key of b's over the same columns as this one of a's, and do values stay distinct, from a to b or the other
 * way round? */
static const struct my_index *partner(const struct sides *s, const struct my_index *a, bool swapped)
{
    for (int k = 0; k < a->count; k++) {
        int column = s->of[a->columns[k]];
        if (column < 0)
            return NULL;
        const struct my_column *ac = &s->a.table.columns[a->columns[k]], *bc = &s->b.table.columns[column];
        if (!(swapped ? my_key_stays_distinct(bc, ac) : my_key_stays_distinct(ac, bc)))
            return NULL;
    }
    for (int in_order = 1; in_order >= 0; in_order--) { /* in another order more of the index has to be read */
        for (int i = 0; i < s->b.table.nindexes; i++) {
            const struct my_index *b = &s->b.table.indexes[i];
            bool same = b->usable && b->count == a->count;
            for (int k = 0; k < a->count && same; k++)
                same = in_order ? b->columns[k] == s->of[a->columns[k]]
                                : pair_has(b->columns, b->count, s->of[a->columns[k]]);
            if (same)
                return b;
        }
    }
    return NULL;
}

static bool find_key(void *arg, bool swapped)
{
    struct sides *s = arg;
    for (int i = 0; i < s->a.table.nindexes; i++) {
        s->a_key = &s->a.table.indexes[i];
        s->b_key = s->a_key->usable ? partner(s, s->a_key, swapped) : NULL;
        if (s->b_key)
            return true;
    }
    return false;
}

static bool column_stays(void *arg, int a, int b, bool swapped)
{
    const struct sides *s = arg;
    const struct my_column *ac = &s->a.table.columns[a], *bc = &s->b.table.columns[b];
    return swapped ? stays(bc, ac) : stays(ac, bc);
}

static enum sc_result choose(struct sides *s, bool put_aside, bool *swapped, struct sc_error *err)
{
    const struct pair_view view = {s, s->of, s->a.table.ncolumns, column_stays, find_key};
    if (pair_direction(&view, put_aside, swapped))
        return SC_OK;
    error_set(err, SC_REFUSE, "tables %s and %s have no key in common by which rows could be found in both", s->a.shown,
              s->b.shown);
    return error_hint(err,
                      "Both need a primary key, or a unique index, over the same whole columns that are NOT NULL, of "
                      "types and collations under which two keys that differ still do.");
}

/* --- the target
 * ------------------------------------------------------------------------------------------------------- */

static void add_type(struct buf *b, const struct my_column *c)
{
    buf_str(b, c->type);
    if (c->charset)
        buf_printf(b, " CHARACTER SET %s", c->charset);
}

static void describe_types(const struct sides *s, int i, bool swapped, struct strlist *out)
{
    const struct my_column *a = &s->a.table.columns[i], *b = &s->b.table.columns[s->of[i]];
    const struct my_column *from = swapped ? b : a, *to = swapped ? a : b;
    if (strcasecmp(a->type, b->type) == 0 && my_same_charset(a, b) && same_members(a, b))
        return;
    struct buf at = {0}, bt = {0};
    add_type(&at, a);
    add_type(&bt, b);
    strlist_addf(out, "column %s is %s in %s and %s in %s%s%s%s", a->name, buf_cstr(&at), s->a.shown, buf_cstr(&bt),
                 s->b.shown, converts(from, to) ? "; compared as " : "",
                 !converts(from, to) ? ""
                 : swapped           ? buf_cstr(&at)
                                     : buf_cstr(&bt),
                 stays(from, to) ? "" : ", so that what this drops is not seen");
    buf_fini(&at);
    buf_fini(&bt);
}

static void describe(const struct sides *s, bool swapped, struct strlist *out)
{
    for (int i = 0; i < s->a.table.ncolumns; i++) {
        if (s->of[i] < 0)
            strlist_addf(out, "column %s is only in %s", s->a.table.columns[i].name, s->a.shown);
        else
            describe_types(s, i, swapped, out);
    }
    for (int k = 0; k < s->b.table.ncolumns; k++)
        if (!pair_has(s->of, s->a.table.ncolumns, k))
            strlist_addf(out, "column %s is only in %s", s->b.table.columns[k].name, s->b.shown);
}

static void take_key(struct target *t, const struct my_index *source, const struct my_index *ghost)
{
    t->key = (struct my_key){.index_name = arena_strdup(&t->arena, source->name),
                             .ghost_index_name = arena_strdup(&t->arena, ghost->name),
                             .primary = source->kind == MY_INDEX_PRIMARY,
                             .ghost_primary = ghost->kind == MY_INDEX_PRIMARY,
                             .count = source->count,
                             .columns = arena_array(&t->arena, (size_t)source->count, sizeof(int))};
    t->map.nkey = source->count;
    t->map.key = arena_array(&t->arena, (size_t)source->count, sizeof(int));
    for (int k = 0; k < source->count; k++) {
        t->key.columns[k] = source->columns[k];
        for (int i = 0; i < t->map.ncolumns; i++)
            if (t->map.columns[i].source_column == source->columns[k])
                t->map.key[k] = i;
    }
}

/* Both tables become the target's. */
static void take(struct target *t, struct sides *s, bool swapped)
{
    struct side *source = swapped ? &s->b : &s->a, *ghost = swapped ? &s->a : &s->b;
    int count = s->a.table.ncolumns;
    mem_free(t->schema);
    mem_free(t->name);
    t->schema = mem_strdup(source->schema);
    t->name = mem_strdup(source->name);
    my_name_new(t); /* by which its sessions are known */
    mem_free(t->server.application);
    t->server.application = mem_printf("seachange %s", t->migration.id);
    mem_free(t->ghost_name);
    t->ghost_name = mem_strdup(ghost->name);
    t->ghost_schema = mem_strdup(ghost->schema);
    t->source = source->table;
    t->ghost = ghost->table;
    source->table = ghost->table = (struct my_table){0};
    t->reads_only = true;
    t->map.columns = arena_array(&t->arena, (size_t)count + 1, sizeof(*t->map.columns));
    for (int i = 0; i < count; i++) {
        if (s->of[i] < 0)
            continue;
        int from = swapped ? s->of[i] : i, to = swapped ? i : s->of[i];
        bool converted = converts(&t->source.columns[from], &t->ghost.columns[to]);
        t->map.columns[t->map.ncolumns++] =
            (struct my_mapped){.ghost_column = t->ghost.columns[to].name, .source_column = from, .converts = converted};
        t->reads_only &= !converted;
    }
    take_key(t, swapped ? s->b_key : s->a_key, swapped ? s->a_key : s->b_key);
    for (int k = 0; k < t->key.count; k++) { /* another order is another reason for the temporary table */
        const struct my_column *from = &t->source.columns[t->key.columns[k]];
        const char *to = t->map.columns[t->map.key[k]].ghost_column;
        const char *collation = t->ghost.columns[my_table_column(&t->ghost, to)].collation;
        t->reads_only &= !from->collation || !collation || strcmp(from->collation, collation) == 0;
    }
}

enum sc_result my_pair_open(struct target *t, const struct pair_spec *spec, struct pair *out, struct sc_error *err)
{
    *out = (struct pair){.put_aside = !spec->with};
    struct sides s = {0};
    enum sc_result result = my_resolve_name(t, "table", t->spec.table, &s.a.schema, &s.a.name, err);
    if (result == SC_OK)
        result = load_side(t, &s.a, err);
    if (result == SC_OK)
        result = spec->with ? my_resolve_name(t, "with", spec->with, &s.b.schema, &s.b.name, err)
                            : find_put_aside(t, &s.a, &s.b, err);
    if (result == SC_OK && strcmp(s.a.schema, s.b.schema) == 0 && strcmp(s.a.name, s.b.name) == 0)
        result = error_set(err, SC_REFUSE, "--table and --with are the same table");
    if (result == SC_OK)
        result = load_side(t, &s.b, err);
    if (result == SC_OK && strstr(s.b.name, MY_NEW_SUFFIX)) {
        result = error_set(err, SC_REFUSE, "table %s is the new table of a migration", s.b.shown);
        error_hint(err, "The migration compares every row itself before its cutover, when they have to be the same.");
    }
    if (result == SC_OK)
        result = match_columns(&s, spec->map, err);
    if (result == SC_OK)
        result = choose(&s, out->put_aside, &out->swapped, err);
    if (result == SC_OK) {
        out->table = mem_strdup(s.a.shown);
        out->with = mem_strdup(s.b.shown);
        describe(&s, out->swapped, &out->definition);
        take(t, &s, out->swapped);
        out->rows_estimated = t->source.rows_estimated;
    }
    sides_fini(&s);
    return result;
}
