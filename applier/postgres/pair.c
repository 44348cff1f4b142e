/* Two tables of the database that are compared as they are. No ghost is made, no state is stored: one table takes the
 * source's part, the other one the ghost's, and the sessions may only read.
 *
 * Rows are found by a unique key that both have. The source's values are converted to the ghost's types; of the two
 * ways round the one is taken that drops nothing. */
#include "applier/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/postgres/mapping.h"
#include "applier/postgres/ops.h"
#include "applier/postgres/state.h"
#include "base/clock.h"

enum { INT8 = 20, INT2 = 21, INT4 = 23, TEXT = 25, FLOAT4 = 700, FLOAT8 = 701, VARCHAR = 1043, VARBIT = 1562 };

struct side {
    Oid oid;
    struct pg_table table;
    PGresult *keys;
    char *shown; /* qualified and quoted */
};

/* Tables a and b. */
struct sides {
    struct side a, b;
    int *of;          /* b's column for each of a's, or -1 */
    int a_key, b_key; /* rows of their keys */
    bool in_order;    /* these have their columns in the same order */
};

static void sides_fini(struct sides *s)
{
    struct side *const both[] = {&s->a, &s->b};
    for (int i = 0; i < 2; i++) {
        pg_table_fini(&both[i]->table);
        PQclear(both[i]->keys);
        mem_free(both[i]->shown);
    }
    mem_free(s->of);
}

/* --- which tables
 * ----------------------------------------------------------------------------------------------------- */

/* A text that says why not, and behind a tab what to do; NULL: it can. $1 is the table. */
static const char readable_sql[] =
    "SELECT CASE WHEN c.relkind = 'p' THEN E'is partitioned\\tCompare its partitions one by one.'"
    " WHEN c.relkind <> 'r' THEN E'is not an ordinary table\\tOnly these can be compared.'"
    " WHEN c.relpersistence = 't' THEN E'is a temporary table\\tOnly its own session can read it.'"
    " WHEN EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhparent = c.oid)"
    "  THEN E'has tables that inherit from it\\tOnly tables that hold all of their rows can be compared.'"
    " WHEN NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') THEN pg_catalog.format("
    "  E'is in a schema that %1$I may not use\\tGRANT USAGE ON SCHEMA %2$I TO %1$I;', session_user, n.nspname)"
    " WHEN NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') THEN pg_catalog.format("
    "  E'may not be read by %1$I\\tGRANT SELECT ON %2$I.%3$I TO %1$I;', session_user, n.nspname, c.relname)"
    " WHEN pg_catalog.row_security_active(c.oid)"
    "  THEN E'has row security, which would hide rows\\tUse a role with BYPASSRLS, or the owner without FORCE ROW LEVEL"
    " SECURITY.' END"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = "
    "$1::pg_catalog.oid";

enum sc_result pg_readable(struct target *t, Oid table, const char *shown, struct sc_error *err)
{
    char oid[16], *why = NULL;
    snprintf(oid, sizeof(oid), "%u", table);
    enum sc_result result = pg_value(t->control, err, &why, readable_sql, 1, (const char *[]){oid});
    if (result == SC_OK && why) {
        char *tab = strchr(why, '\t');
        *tab = 0;
        result = error_set(err, SC_REFUSE, "table %s %s", shown, why);
        error_hint(err, "%s", tab + 1);
    }
    mem_free(why);
    return result;
}

static enum sc_result load_side(struct target *t, struct side *side, struct sc_error *err)
{
    enum sc_result result = pg_table_load(t->control, side->oid, &side->table, err);
    if (result == SC_OK) {
        side->shown = pg_qualified(side->table.schema, side->table.name);
        result = pg_readable(t, side->oid, side->shown, err);
    }
    return result == SC_OK ? pg_keys_load(t->control, side->oid, &side->keys, err) : result;
}

/* The publication of a migration has its table until the swap. */
static const char migrated_sql[] =
    "SELECT pg_catalog.right(p.pubname, 8) FROM pg_catalog.pg_publication_rel r JOIN pg_catalog.pg_publication p"
    " ON p.oid = r.prpubid WHERE r.prrelid = $1::pg_catalog.oid AND p.pubname ~ '^seachange_[0-9a-f]{8}$' LIMIT 1";

static enum sc_result refuse_migrated(struct target *t, const struct side *side, struct sc_error *err)
{
    char oid[16], *id = NULL;
    snprintf(oid, sizeof(oid), "%u", side->oid);
    enum sc_result result = pg_value(t->control, err, &id, migrated_sql, 1, (const char *[]){oid});
    if (result == SC_OK && id) {
        result = error_set(err, SC_REFUSE, "migration %s of table %s has not swapped it yet", id, t->spec.table);
        error_hint(err, "It compares every row itself before its cutover. Another table can be named with --with.");
    }
    mem_free(id);
    return result;
}

/* What a migration that took this table into its place has stored, if that may be read. */
static const char state_readable_sql[] =
    "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = "
    "'seachange' AND c.relname = 'migration' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND "
    "pg_catalog.has_table_privilege(c.oid, 'SELECT')";
static const char stored_sql[] =
    "SELECT c.oid FROM seachange.migration m JOIN pg_catalog.pg_class c ON c.oid = m.table_oid JOIN "
    "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE m.ghost_oid = $1::pg_catalog.oid AND n.nspname = "
    "m.old_schema";
/* Else the name says it, where there is but one table of that name on each side. */
static const char named_sql[] =
    "SELECT pg_catalog.min(c.oid::pg_catalog.int8) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid ="
    " c.relnamespace WHERE c.relkind = 'r' AND c.relname = (SELECT relname FROM pg_catalog.pg_class WHERE oid = "
    "$1::pg_catalog.oid) AND n.nspname ~ '^seachange_old_[0-9a-f]{8}$' HAVING pg_catalog.count(*) = 1 AND 1 = (SELECT "
    "pg_catalog.count(*) FROM pg_catalog.pg_class o JOIN pg_catalog.pg_namespace on_ ON on_.oid = o.relnamespace WHERE "
    "o.relkind = 'r' AND o.relname = (SELECT relname FROM pg_catalog.pg_class WHERE oid = $1::pg_catalog.oid) AND "
    "on_.nspname !~ '^seachange_(new|old)_[0-9a-f]{8}$')";

static enum sc_result find_put_aside(struct target *t, const struct side *of, Oid *old, struct sc_error *err)
{
    char oid[16], *readable = NULL, *found = NULL;
    snprintf(oid, sizeof(oid), "%u", of->oid);
    enum sc_result result = refuse_migrated(t, of, err);
    if (result == SC_OK)
        result = pg_value(t->control, err, &readable, state_readable_sql, 0, NULL);
    if (result == SC_OK)
        result = pg_value(t->control, err, &found, readable ? stored_sql : named_sql, 1, (const char *[]){oid});
    *old = found ? (Oid)strtoul(found, NULL, 10) : 0;
    if (result == SC_OK && !found) {
        result = error_set(err, SC_REFUSE, "there is no table that a migration of %s has put aside%s", t->spec.table,
                           readable ? "" : ", or it cannot be told which");
        error_hint(err, "Name the table to compare it with by --with.");
    }
    mem_free(readable);
    mem_free(found);
    return result;
}

/* --- which columns, and the key
 * --------------------------------------------------------------------------------------- */

static int whole_number_bytes(Oid type)
{
    return type == INT2 ? 2 : type == INT4 ? 4 : type == INT8 ? 8 : 0;
}

static bool is_text(Oid type)
{
    return type == TEXT || type == VARCHAR;
}

/* Does every value stay what it is, so that two that differ still do? (Lengths cut nothing: compare.c.) */
static bool stays(const struct pg_column *from, const struct pg_column *to)
{
    if (from->type_oid == to->type_oid)
        return from->type_modifier == to->type_modifier || to->type_modifier == -1 || is_text(to->type_oid) ||
               to->type_oid == VARBIT;
    int bytes = whole_number_bytes(from->type_oid);
    return (bytes > 0 && bytes <= whole_number_bytes(to->type_oid)) ||
           (is_text(from->type_oid) && is_text(to->type_oid)) || (from->type_oid == FLOAT4 && to->type_oid == FLOAT8);
}

static const char *name_of(const void *table, int column)
{
    return ((const struct pg_table *)table)->columns[column].name;
}

static enum sc_result match_columns(struct sides *s, const char *map, struct sc_error *err)
{
    s->of = mem_array((size_t)s->a.table.ncolumns + 1, sizeof(int));
    return pair_columns(map, (struct pair_side){&s->a.table, s->a.table.ncolumns, name_of},
                        (struct pair_side){&s->b.table, s->b.table.ncolumns, name_of}, false, s->of, err);
}

static int column_of(const struct pg_table *table, int attnum)
{
    for (int i = 0; i < table->ncolumns; i++)
        if (table->columns[i].attnum == attnum)
            return i;
    return -1;
}

/* The columns of a key as indexes into the table's; returns how many, 0 where it is of no use. */
static int key_columns(const struct side *side, int row, int columns[static MAX_KEY_COLUMNS])
{
    if (strcmp(pg_column_text(side->keys, row, "usable"), "t") != 0)
        return 0;
    int count = (int)pg_column_number(side->keys, row, "width");
    char *p = PQgetvalue(side->keys, row, PQfnumber(side->keys, "attnums"));
    for (int k = 0; k < count && k < MAX_KEY_COLUMNS; k++)
        columns[k] = column_of(&side->table, (int)strtol(p, &p, 10));
    return count <= MAX_KEY_COLUMNS ? count : 0;
}

/* Is b's key over the columns that belong to a's? in_order: one after the other. */
static bool same_columns(const struct sides *s, const int *a, const int *b, int count, bool in_order)
{
    bool same = true;
    for (int k = 0; k < count && same; k++)
        same = in_order ? b[k] == s->of[a[k]] : pair_has(b, count, s->of[a[k]]);
    return same;
}

/* a's key in this row: is there one of b's over the same columns, and do its values stay distinct, from a to b or the
 * other way round? */
static bool key_fits(struct sides *s, int row, bool swapped)
{
    int a[MAX_KEY_COLUMNS], b[MAX_KEY_COLUMNS], count = key_columns(&s->a, row, a);
    bool fits = count > 0;
    for (int k = 0; k < count && fits; k++) {
        fits = a[k] >= 0 && s->of[a[k]] >= 0;
        if (fits) {
            const struct pg_column *ac = &s->a.table.columns[a[k]], *bc = &s->b.table.columns[s->of[a[k]]];
            fits = swapped ? stays(bc, ac) : stays(ac, bc);
        }
    }
    for (int in_order = 1; fits && in_order >= 0; in_order--) {
        for (int i = 0; i < PQntuples(s->b.keys); i++) {
            if (key_columns(&s->b, i, b) != count || !same_columns(s, a, b, count, in_order))
                continue;
            s->a_key = row;
            s->b_key = i;
            s->in_order = in_order;
            return true;
        }
    }
    return false;
}

static bool find_key(void *arg, bool swapped)
{
    struct sides *s = arg;
    for (int i = 0; i < PQntuples(s->a.keys); i++)
        if (key_fits(s, i, swapped))
            return true;
    return false;
}

static bool column_stays(void *arg, int a, int b, bool swapped)
{
    const struct sides *s = arg;
    const struct pg_column *ac = &s->a.table.columns[a], *bc = &s->b.table.columns[b];
    return swapped ? stays(bc, ac) : stays(ac, bc);
}

static enum sc_result choose(struct sides *s, bool put_aside, bool *swapped, struct sc_error *err)
{
    const struct pair_view view = {s, s->of, s->a.table.ncolumns, column_stays, find_key};
    if (pair_direction(&view, put_aside, swapped))
        return SC_OK;
    error_set(err, SC_REFUSE, "tables %s and %s have no key in common by which rows could be found in both", s->a.shown,
              s->b.shown);
    return error_hint(
        err, "Both need a primary key, or a unique index that is not partial, deferrable or on expressions, over "
             "the same NOT NULL columns, of types whose values stay what they are.");
}

/* --- the target
 * ------------------------------------------------------------------------------------------------------- */

static void describe(const struct sides *s, bool swapped, struct strlist *out)
{
    for (int i = 0; i < s->a.table.ncolumns; i++) {
        const struct pg_column *ac = &s->a.table.columns[i];
        const struct pg_column *bc = s->of[i] >= 0 ? &s->b.table.columns[s->of[i]] : NULL;
        if (!bc)
            strlist_addf(out, "column %s is only in %s", ac->name, s->a.shown);
        else if (strcmp(ac->type, bc->type) != 0)
            strlist_addf(out, "column %s is %s in %s and %s in %s; compared as %s%s", ac->name, ac->type, s->a.shown,
                         bc->type, s->b.shown, swapped ? ac->type : bc->type,
                         (swapped ? stays(bc, ac) : stays(ac, bc)) ? "" : ", so that what this drops is not seen");
    }
    for (int k = 0; k < s->b.table.ncolumns; k++)
        if (!pair_has(s->of, s->a.table.ncolumns, k))
            strlist_addf(out, "column %s is only in %s", s->b.table.columns[k].name, s->b.shown);
}

static void add_column(struct target *t, const struct pg_column *to, int source_column)
{
    char *expression = pg_ident(t->source.columns[source_column].name);
    struct pg_mapped *m = &t->map.columns[t->map.ncolumns++];
    *m = (struct pg_mapped){.ghost_column = arena_strdup(&t->arena, to->name),
                            .expression = arena_strdup(&t->arena, expression),
                            .source_column = source_column,
                            .ninputs = 1,
                            .inputs = arena_array(&t->arena, 1, sizeof(int))};
    m->inputs[0] = source_column;
    mem_free(expression);
}

/* The source's table becomes the target's. */
static enum sc_result take(struct target *t, struct sides *s, bool swapped, struct sc_error *err)
{
    struct side *source = swapped ? &s->b : &s->a, *ghost = swapped ? &s->a : &s->b;
    int key = swapped ? s->b_key : s->a_key;
    char id[16];
    snprintf(id, sizeof(id), "%08x", (unsigned)(clock_us() & 0xffffffffu));
    pg_name_objects(t, id);
    mem_free(t->server.application);
    t->server.application = mem_printf("seachange %s", id);
    t->source = source->table;
    source->table = (struct pg_table){0};
    mem_free(t->ghost_schema);
    t->ghost_schema = mem_strdup(ghost->table.schema);
    t->ghost_name = arena_strdup(&t->arena, ghost->table.name);
    t->ghost_oid = ghost->oid;
    t->reads_only = true;
    t->key_apart = !s->in_order;
    t->map.columns = arena_array(&t->arena, (size_t)t->source.ncolumns + 1, sizeof(*t->map.columns));
    int count = swapped ? ghost->table.ncolumns : t->source.ncolumns; /* a's */
    for (int i = 0; i < count; i++)
        if (s->of[i] >= 0)
            add_column(t, &ghost->table.columns[swapped ? i : s->of[i]], swapped ? s->of[i] : i);
    enum sc_result result = pg_key_load(t, (Oid)pg_column_number(source->keys, key, "indexrelid"), err);
    t->map.nkey = t->key.count;
    t->map.key = arena_array(&t->arena, (size_t)t->key.count + 1, sizeof(int));
    for (int k = 0; k < t->key.count && result == SC_OK; k++)
        for (int i = 0; i < t->map.ncolumns; i++)
            if (t->map.columns[i].source_column == t->key.columns[k])
                t->map.key[k] = i;
    return result == SC_OK ? pg_ghost_key_types(t, t->control, err) : result;
}

enum sc_result pg_pair_open(struct target *t, const struct pair_spec *spec, struct pair *out, struct sc_error *err)
{
    *out = (struct pair){.put_aside = !spec->with};
    struct sides s = {0};
    enum sc_result result = pg_resolve_table(t, &s.a.oid, err);
    if (result == SC_OK)
        result = load_side(t, &s.a, err);
    if (result == SC_OK)
        result =
            spec->with ? pg_resolve_name(t, "with", spec->with, &s.b.oid, err) : find_put_aside(t, &s.a, &s.b.oid, err);
    if (result == SC_OK && s.a.oid == s.b.oid)
        result = error_set(err, SC_REFUSE, "--table and --with are the same table");
    if (result == SC_OK)
        result = load_side(t, &s.b, err);
    if (result == SC_OK && strncmp(s.b.table.schema, "seachange_new_", 14) == 0) {
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
        result = take(t, &s, out->swapped, err);
        out->rows_estimated = t->source.rows_estimated;
    }
    sides_fini(&s);
    return result;
}
