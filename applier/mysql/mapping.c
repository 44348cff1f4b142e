/* Which column of the ghost is filled from which of the source, and by which key rows are found in both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "applier/mysql/ghost.h"
#include "cdc/mysql/told.h"

/* --- columns ------------------------------------------------------------------------------------------------------ */

const char *my_new_column_name(const struct my_alter *alter, const char *name)
{
    for (int i = 0; i < alter->ndropped; i++)
        if (strcasecmp(alter->dropped[i], name) == 0)
            return NULL;
    for (int i = 0; i < alter->nrenamed; i++)
        if (strcasecmp(alter->renamed[i].from, name) == 0)
            return alter->renamed[i].to;
    return name;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcasecmp(a, b) == 0);
}

static bool same_members(const struct my_column *a, const struct my_column *b)
{
    if (a->nmembers != b->nmembers)
        return false;
    for (int i = 0; i < a->nmembers; i++)
        if (strcmp(a->members[i], b->members[i]) != 0)
            return false;
    return true;
}

static enum sc_result map_columns(struct target *t, const struct my_alter *alter, struct sc_error *err)
{
    t->map.ncolumns = 0;
    t->map.columns = arena_array(&t->arena, (size_t)t->ghost.ncolumns + 1, sizeof(*t->map.columns));
    for (int g = 0; g < t->ghost.ncolumns; g++) {
        const struct my_column *to = &t->ghost.columns[g];
        if (to->generated)
            continue;
        for (int i = 0; i < t->source.ncolumns; i++) {
            const struct my_column *from = &t->source.columns[i];
            const char *name = my_new_column_name(alter, from->name);
            if (!name || strcasecmp(name, to->name) != 0)
                continue;
            /* MariaDB 11.8 leaves stored ones out, too, in updates and deletes. */
            if (from->generated && (!from->stored || t->server.family == MY_MARIADB))
                return error_set(err, SC_REFUSE,
                                 "column %s is generated, and would not be any more: its values are not in the log",
                                 from->name);
            t->map.columns[t->map.ncolumns++] =
                (struct my_mapped){.ghost_column = to->name,
                                   .source_column = i,
                                   .converts = strcasecmp(from->type, to->type) != 0 ||
                                               !same_text(from->charset, to->charset) || !same_members(from, to)};
        }
    }
    if (t->map.ncolumns == 0)
        return error_set(err, SC_REFUSE, "no column of the table is left by the ALTER");
    return SC_OK;
}

static int mapped_of(const struct target *t, int source_column)
{
    for (int i = 0; i < t->map.ncolumns; i++)
        if (t->map.columns[i].source_column == source_column)
            return i;
    return -1;
}

/* --- key ---------------------------------------------------------------------------------------------------------- */

static bool is_integer(const struct my_column *c)
{
    static const char *const types[] = {"tinyint", "smallint", "mediumint", "int", "bigint"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcasecmp(c->data_type, types[i]) == 0)
            return true;
    return false;
}

static long in_brackets(const char *type)
{
    const char *open = strchr(type, '(');
    return open ? strtol(open + 1, NULL, 10) : 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* Are blanks at the end nothing? "_bin" alone ignores them, too. */
static bool pads(const char *collation)
{
    return !strstr(collation, "_0900_") && !strstr(collation, "_nopad_") && strcmp(collation, "binary") != 0;
}

/* What makes two texts equal is the collation: the same one, one that tells every two texts apart, or the same rules
 * for a larger character set. */
static bool collation_stays_distinct(const struct my_column *from, const struct my_column *to)
{
    if (!from->collation || !to->collation)
        return from->collation == to->collation;
    if (strcmp(from->collation, to->collation) == 0)
        return true;
    bool to_unicode = strncmp(to->collation, "utf8mb4_", 8) == 0;
    if (strcmp(from->charset, to->charset) != 0 && !to_unicode)
        return false;
    if (pads(to->collation) && !pads(from->collation))
        return false;
    if (ends_with(to->collation, "_bin"))
        return true;
    const char *rules = strchr(from->collation, '_');
    return strncmp(from->collation, "utf8", 4) == 0 && to_unicode && rules && strcmp(rules, to->collation + 7) == 0;
}

bool my_key_stays_distinct(const struct my_column *from, const struct my_column *to)
{
    if (!collation_stays_distinct(from, to))
        return false;
    if (strcasecmp(from->type, to->type) == 0 && same_members(from, to))
        return true;
    if (is_integer(from) && is_integer(to)) /* one that does not fit is an error */
        return true;
    if (strcasecmp(from->data_type, to->data_type) != 0)
        return (strcasecmp(from->data_type, "char") == 0 && strcasecmp(to->data_type, "varchar") == 0 &&
                in_brackets(to->type) >= in_brackets(from->type)) ||
               (is_integer(from) && strcasecmp(to->data_type, "decimal") == 0);
    if (from->nmembers > 0) {
        for (int i = 0; i < from->nmembers; i++)
            if (i >= to->nmembers || strcmp(from->members[i], to->members[i]) != 0)
                return false;
        return true;
    }
    static const char *const longer[] = {"varchar", "char", "varbinary", "datetime", "timestamp", "time", "bit"};
    for (size_t i = 0; i < sizeof(longer) / sizeof(longer[0]); i++)
        if (strcasecmp(from->data_type, longer[i]) == 0)
            return in_brackets(to->type) >= in_brackets(from->type);
    return false;
}

static bool has_column(const struct my_index *index, int column)
{
    for (int i = 0; i < index->count; i++)
        if (index->columns[i] == column)
            return true;
    return false;
}

/* The ghost's unique index over exactly these columns of its own; NULL: none. */
static const struct my_index *ghost_index(const struct target *t, const int *columns, int count)
{
    for (int i = 0; i < t->ghost.nindexes; i++) {
        const struct my_index *index = &t->ghost.indexes[i];
        bool same = index->usable && index->count == count &&
                    (!t->key.ghost_index_name || strcmp(t->key.ghost_index_name, index->name) == 0);
        for (int k = 0; k < count && same; k++)
            same = has_column(index, columns[k]);
        if (same)
            return index;
    }
    return NULL;
}

static const struct my_index *primary_of(const struct my_table *table)
{
    for (int i = 0; i < table->nindexes; i++)
        if (table->indexes[i].kind == MY_INDEX_PRIMARY)
            return &table->indexes[i];
    return NULL;
}

/* Until the fence rows of different snapshots stand side by side in the ghost, and only the key may keep two apart: its
 * primary key must be the key, hold all of it, or be a number that the server gives. */
static bool primary_fits(const struct target *t, const int *columns, int count)
{
    const struct my_index *primary = primary_of(&t->ghost);
    if (!primary)
        return true;
    bool holds = true, given = primary->count == 1 && primary->columns[0] >= 0 &&
                               t->ghost.columns[primary->columns[0]].auto_increment;
    for (int k = 0; k < count; k++)
        holds = holds && has_column(primary, columns[k]);
    for (int i = 0; i < t->map.ncolumns && given; i++)
        given = my_table_column(&t->ghost, t->map.columns[i].ghost_column) != primary->columns[0];
    return holds || given;
}

/* Where the ALTER leaves the key without an index of its own, the ghost gets one for as long as it is filled. */
static bool can_be_unique(const struct target *t, const int *columns, int count)
{
    for (int k = 0; k < count; k++)
        if (!t->ghost.columns[columns[k]].not_null)
            return false;
    return !t->key.ghost_index_name; /* on resume it has one, or had */
}

static bool try_key(struct target *t, const struct my_index *index, struct sc_error *err)
{
    int ghost_columns[MAX_KEY_COLUMNS];
    for (int k = 0; k < index->count; k++) {
        int mapped = mapped_of(t, index->columns[k]);
        if (mapped < 0) {
            error_set(err, SC_REFUSE, "the ALTER drops column %s of the key %s",
                      t->source.columns[index->columns[k]].name, index->name);
            return false;
        }
        ghost_columns[k] = my_table_column(&t->ghost, t->map.columns[mapped].ghost_column);
        if (!my_key_stays_distinct(&t->source.columns[index->columns[k]], &t->ghost.columns[ghost_columns[k]])) {
            error_set(err, SC_REFUSE,
                      "the ALTER changes column %s of the key %s to a type or collation in which two rows could have "
                      "the same key",
                      t->source.columns[index->columns[k]].name, index->name);
            return false;
        }
    }
    const struct my_index *ghost = ghost_index(t, ghost_columns, index->count);
    bool fits = primary_fits(t, ghost_columns, index->count);
    if (!fits || (!ghost && !can_be_unique(t, ghost_columns, index->count))) {
        error_set(err, SC_REFUSE,
                  !fits ? "with the ALTER the table has another primary key, which is not made of key %s"
                        : "with the ALTER key %s of the table is no longer unique by itself",
                  index->name);
        return false;
    }
    t->key = (struct my_key){.index_name = arena_strdup(&t->arena, index->name),
                             .ghost_index_name = ghost ? arena_strdup(&t->arena, ghost->name) : MY_HELPER_KEY,
                             .primary = index->kind == MY_INDEX_PRIMARY,
                             .ghost_primary = ghost && ghost->kind == MY_INDEX_PRIMARY,
                             .count = index->count};
    t->key.columns = arena_array(&t->arena, (size_t)index->count, sizeof(int));
    t->map.key = arena_array(&t->arena, (size_t)index->count, sizeof(int));
    t->map.nkey = index->count;
    for (int k = 0; k < index->count; k++) {
        t->key.columns[k] = index->columns[k];
        t->map.key[k] = mapped_of(t, index->columns[k]);
    }
    return true;
}

/* The primary key, else the first one, which is what the rows are stored by; on resume the one that was chosen. The
 * server shows the primary key first. */
static enum sc_result choose_key(struct target *t, struct sc_error *err)
{
    const char *chosen = t->key.index_name;
    bool tried = false;
    for (int i = 0; i < t->source.nindexes; i++) {
        const struct my_index *index = &t->source.indexes[i];
        struct sc_error reason = {0};
        if (!index->usable || (chosen && strcmp(chosen, index->name) != 0))
            continue;
        if (try_key(t, index, &reason))
            return SC_OK;
        if (!tried)
            *err = reason;
        tried = true;
    }
    if (!tried)
        error_set(err, SC_REFUSE,
                  "it has no key: neither a primary key nor a unique index over whole columns that are NOT NULL");
    error_hint(err, "Rows are copied along a unique key that the table has before and after the ALTER.");
    return SC_REFUSE;
}

enum sc_result my_key_load(struct target *t, struct sc_error *err)
{
    for (int i = 0; i < t->source.nindexes; i++) {
        const struct my_index *index = &t->source.indexes[i];
        if (!t->key.index_name || strcmp(t->key.index_name, index->name) != 0)
            continue;
        t->key.count = index->count;
        t->key.columns = arena_array(&t->arena, (size_t)index->count, sizeof(int));
        memcpy(t->key.columns, index->columns, (size_t)index->count * sizeof(int));
        my_logged_columns(t);
        return SC_OK;
    }
    return error_set(err, SC_FAIL, "the key by which the rows of table %s were known is gone", t->source.name);
}

enum sc_result my_map_make(struct target *t, const struct my_alter *alter, struct sc_error *err)
{
    enum sc_result result = map_columns(t, alter, err);
    if (result == SC_OK)
        result = choose_key(t, err);
    if (result == SC_OK)
        my_logged_columns(t);
    return result;
}

static void untold_columns(struct target *t)
{
    t->log_untold = arena_array(&t->arena, (size_t)t->source.ncolumns + 1, sizeof(*t->log_untold));
    t->log_nuntold = 0;
    for (int i = 0; i < t->source.ncolumns; i++) {
        const struct my_column *c = &t->source.columns[i];
        const char *how = c->generated ? c->stored ? "stored" : "virtual" : "";
        bool untold = my_type_is_untold(c->type, t->server.family == MY_MARIADB);
        if (c->generated || untold)
            t->log_untold[t->log_nuntold++] = (struct source_untold){
                c->name, arena_printf(&t->arena, "%s%s%s", how, *how && untold ? " " : "", untold ? c->type : "")};
    }
}

void my_logged_columns(struct target *t)
{
    t->log_columns = arena_array(&t->arena, (size_t)t->source.ncolumns + 1, sizeof(*t->log_columns));
    t->log_computed = arena_array(&t->arena, (size_t)t->source.ncolumns + 1, sizeof(*t->log_computed));
    for (int i = 0; i < t->source.ncolumns; i++) {
        t->log_columns[i] = (struct source_column){.name = t->source.columns[i].name,
                                                   .type = t->source.columns[i].type,
                                                   .collation = t->source.columns[i].collation,
                                                   .optional = !t->source.columns[i].not_null};
        t->log_computed[i] = t->source.columns[i].generated;
    }
    untold_columns(t);
    t->logged_key = arena_array(&t->arena, (size_t)t->key.count + 1, sizeof(*t->logged_key));
    t->key_bytewise = true;
    for (int k = 0; k < t->key.count; k++) {
        t->logged_key[k] = (uint16_t)t->key.columns[k];
        t->key_bytewise &= t->source.columns[t->key.columns[k]].bytewise;
    }
}
