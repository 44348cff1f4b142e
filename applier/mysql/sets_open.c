/* The parts of statements on the ghost, made once a session, and the temporary tables. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "applier/mysql/sets.h"

/* A statement is as large as pays, and the memory of all sessions stays small. */
#define STATEMENT_BYTES ((size_t)256 << 10)
#define KEYS_TABLE "_seachange_keys"
#define STAGE_ROW "`seachange row`"

/* --- which columns need the stage
 * --------------------------------------------------------------------------------------- */

static bool one_of(const char *type, const char *const *types)
{
    for (; *types; types++)
        if (strcasecmp(type, *types) == 0)
            return true;
    return false;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcasecmp(a, b) == 0 : a == b;
}

/* A literal of the source's type is taken by this column of the ghost exactly as a column of the source's type is:
 * integers as numbers, strings as bytes in one and the same character set. Everything else that differs passes through
 * the stage. */
static bool takes_literals(const struct my_column *from, const struct my_column *to)
{
    static const char *const integers[] = {"tinyint", "smallint", "mediumint", "int", "bigint", NULL};
    static const char *const texts[] = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", NULL};
    static const char *const bytes[] = {"varbinary", "tinyblob", "blob", "mediumblob", "longblob", NULL};
    return (one_of(from->data_type, integers) && one_of(to->data_type, integers)) ||
           (one_of(from->data_type, texts) && one_of(to->data_type, texts) && same_text(from->charset, to->charset)) ||
           (one_of(from->data_type, bytes) && one_of(to->data_type, bytes));
}

static const struct my_column *ghost_column(const struct target *t, const struct my_mapped *m)
{
    int at = my_table_column(&t->ghost, m->ghost_column);
    return at < 0 ? NULL : &t->ghost.columns[at];
}

static bool needs_stage(const struct target *t)
{
    for (int i = 0; i < t->map.ncolumns; i++) {
        const struct my_mapped *m = &t->map.columns[i];
        const struct my_column *to = ghost_column(t, m);
        if (m->converts && !(to && takes_literals(&t->source.columns[m->source_column], to)))
            return true;
    }
    return false;
}

/* MySQL loses words of a FULLTEXT index when one INSERT ... ON DUPLICATE KEY UPDATE changes several rows: they cannot
 * be found any more (seen with 9.7; every other statement does right). What is to be built counts as built: a try whose
 * record was lost may have done it. */
static bool has_fulltext(const struct target *t)
{
    for (int i = 0; i < t->ntodo; i++)
        if (t->todo[i].stage == MY_STAGE_INDEX && strstr(t->todo[i].sql, "FULLTEXT KEY "))
            return true;
    return false;
}

/* --- statements
 * ----------------------------------------------------------------------------------------------------------- */

static const char *keep(struct my_sets *sets, struct buf *b)
{
    const char *text = arena_strdup(&sets->arena, buf_cstr(b));
    buf_fini(b);
    return text;
}

static const struct my_mapped *key_column(const struct target *t, int k)
{
    return &t->map.columns[t->map.key[k]];
}

static const char *key_tuple(const struct target *t, struct my_sets *sets)
{
    struct buf b = {0};
    buf_str(&b, t->map.nkey > 1 ? "(" : "");
    for (int k = 0; k < t->map.nkey; k++) {
        buf_str(&b, k ? ", " : "");
        my_add_ident(&b, key_column(t, k)->ghost_column);
    }
    buf_str(&b, t->map.nkey > 1 ? ")" : "");
    return keep(sets, &b);
}

static bool is_key(const struct target *t, int mapped)
{
    for (int k = 0; k < t->map.nkey; k++)
        if (t->map.key[k] == mapped)
            return true;
    return false;
}

/* Sets every column to the new row's; also the key's where keys can be equal without being the same. */
static const char *on_duplicate(const struct target *t, struct my_sets *sets, enum my_incoming from)
{
    struct buf b = {0};
    buf_str(&b, from == MY_FROM_VALUES && my_has_row_alias(t) ? " AS " MY_ROW_ALIAS : "");
    buf_str(&b, " ON DUPLICATE KEY UPDATE ");
    my_add_same_key(&b, t, from);
    for (int i = 0; i < t->map.ncolumns; i++) {
        const struct my_mapped *m = &t->map.columns[i];
        if (is_key(t, i) && t->key_bytewise)
            continue;
        buf_str(&b, ", ");
        my_add_ghost_column(&b, t, m->ghost_column);
        buf_str(&b, " = ");
        my_add_incoming(&b, t, m, from);
    }
    return keep(sets, &b);
}

static void make_direct(struct session *s, struct my_sets *sets)
{
    const struct target *t = s->target;
    struct buf b = {0};
    buf_printf(&b, "INSERT INTO %s (%s) VALUES ", s->apply->ghost, s->apply->insert_columns);
    sets->insert_into = keep(sets, &b);
    sets->on_duplicate = on_duplicate(t, sets, MY_FROM_VALUES);
}

/* The temporary table's side is what is converted, so that the ghost's index is used. */
static void add_key_join(struct buf *b, const struct target *t, const char *temporary)
{
    for (int k = 0; k < t->map.nkey; k++) {
        const struct my_mapped *m = key_column(t, k);
        const struct my_column *to = ghost_column(t, m);
        buf_str(b, k ? " AND " : "");
        my_add_ghost_column(b, t, m->ghost_column);
        buf_str(b, " = ");
        bool text = to && to->charset && to->collation;
        buf_str(b, text ? "CONVERT(" : "");
        my_add_qualified(b, t->schema, temporary);
        buf_char(b, '.');
        my_add_ident(b, t->source.columns[m->source_column].name);
        if (text)
            buf_printf(b, " USING %s) COLLATE %s", to->charset, to->collation);
    }
}

static const char *join(struct session *s, struct my_sets *sets, const char *temporary)
{
    const struct target *t = s->target;
    struct buf b = {0};
    my_add_qualified(&b, t->schema, temporary);
    buf_printf(&b, " STRAIGHT_JOIN %s ON ", s->apply->ghost);
    add_key_join(&b, t, temporary);
    return keep(sets, &b);
}

static const char *empty(const struct target *t, struct my_sets *sets, const char *temporary)
{
    struct buf b = {0};
    buf_str(&b, "TRUNCATE TABLE ");
    my_add_qualified(&b, t->schema, temporary);
    return keep(sets, &b);
}

static const char *where(const struct target *t, struct my_sets *sets, const char *temporary)
{
    struct buf b = {0};
    buf_str(&b, " WHERE ");
    my_add_qualified(&b, t->schema, temporary);
    buf_str(&b, "." STAGE_ROW);
    return keep(sets, &b);
}

static void add_source_columns(struct buf *b, const struct target *t, bool keys)
{
    for (int i = 0; i < (keys ? t->map.nkey : t->map.ncolumns); i++) {
        const struct my_mapped *m = keys ? key_column(t, i) : &t->map.columns[i];
        buf_str(b, i ? ", " : "");
        my_add_ident(b, t->source.columns[m->source_column].name);
    }
}

static const char *into(const struct target *t, struct my_sets *sets, const char *temporary, bool keys)
{
    struct buf b = {0};
    buf_str(&b, "INSERT INTO ");
    my_add_qualified(&b, t->schema, temporary);
    buf_str(&b, " (" STAGE_ROW ", ");
    add_source_columns(&b, t, keys);
    buf_str(&b, ") VALUES ");
    return keep(sets, &b);
}

static void make_staged(struct session *s, struct my_sets *sets)
{
    const struct target *t = s->target;
    sets->empty_stage = empty(t, sets, t->stage_name);
    sets->empty_keys = empty(t, sets, KEYS_TABLE);
    sets->into_stage = into(t, sets, t->stage_name, false);
    sets->into_keys = into(t, sets, KEYS_TABLE, true);
    sets->join_stage = join(s, sets, t->stage_name);
    sets->join_keys = join(s, sets, KEYS_TABLE);
    sets->where_stage = where(t, sets, t->stage_name);
    sets->where_keys = where(t, sets, KEYS_TABLE);
    sets->next_row = 1;
    sets->on_staged_duplicate = on_duplicate(t, sets, MY_FROM_STAGE);
    struct buf b = {0};
    buf_printf(&b, "INSERT INTO %s (%s) SELECT ", s->apply->ghost, s->apply->insert_columns);
    add_source_columns(&b, t, false);
    buf_str(&b, " FROM ");
    my_add_qualified(&b, t->schema, t->stage_name);
    sets->insert_staged = keep(sets, &b);
    for (int i = 0; i < t->map.ncolumns; i++) {
        const struct my_mapped *m = &t->map.columns[i];
        buf_str(&b, i ? ", " : "");
        my_add_ghost_column(&b, t, m->ghost_column);
        buf_str(&b, " = ");
        my_add_incoming(&b, t, m, MY_FROM_STAGE);
    }
    sets->set_staged = keep(sets, &b);
}

/* The columns are the source's own. The rows keep the order in which they came. */
static enum sc_result make_temporary(struct session *s, const char *name, bool keys, struct sc_error *err)
{
    const struct target *t = s->target;
    struct buf b = {0};
    buf_str(&b, "CREATE TEMPORARY TABLE ");
    my_add_qualified(&b, t->schema, name);
    buf_str(&b, " (" STAGE_ROW " bigint unsigned NOT NULL DEFAULT 0 PRIMARY KEY) ENGINE=InnoDB SELECT ");
    add_source_columns(&b, t, keys);
    buf_printf(&b, " FROM %s LIMIT 0", s->apply->source);
    enum sc_result result = my_run(s->conn, err, buf_cstr(&b));
    buf_fini(&b);
    return result == SC_OK ? SC_OK : error_wrap(err, "cannot make the temporary table changes are staged in");
}

/* --- opening
 * -------------------------------------------------------------------------------------------------------------- */

/* Keys are compared with the ghost's columns; what the log gives is of the source's types. Where nothing is staged the
 * two are alike but for lengths and collations. */
static enum sc_result make_keys(const struct target *t, struct my_sets *sets, struct sc_error *err)
{
    sets->keys = arena_array(&sets->arena, (size_t)t->map.nkey, sizeof(*sets->keys));
    enum sc_result result = SC_OK;
    for (int k = 0; k < t->map.nkey && result == SC_OK; k++) {
        const struct my_mapped *m = key_column(t, k);
        const struct my_column *to = sets->staged ? NULL : ghost_column(t, m);
        result = my_literal_init(&sets->keys[k], t->server.family, to ? to : &t->source.columns[m->source_column], err);
    }
    return result;
}

/* Lists of keys are to be looked up one by one, however long they are; the server's limits against long plans are not
 * for these. Foreign keys hold in the source already, and checking them here would lock others' rows. */
static enum sc_result set_session(struct session *s, struct sc_error *err)
{
    const struct target *t = s->target;
    enum sc_result result = my_run(s->conn, err,
                                   t->server.family == MY_MARIADB
                                       ? "SET SESSION foreign_key_checks = 0, in_predicate_conversion_threshold = 0"
                                       : "SET SESSION foreign_key_checks = 0, range_optimizer_max_mem_size = 0");
    /* From 10.6.16 and its contemporaries on. */
    if (result == SC_OK && t->server.family == MY_MARIADB)
        my_run(s->conn, NULL, "SET SESSION optimizer_max_sel_arg_weight = 0");
    if (result == SC_OK && mysql_set_server_option(s->conn->my, MYSQL_OPTION_MULTI_STATEMENTS_ON) != 0)
        result = my_failed(s->conn, err);
    return result;
}

enum sc_result my_sets_open(struct session *s, struct sc_error *err)
{
    enum sc_result result = my_rows_open(s, err);
    if (result != SC_OK || s->apply->sets)
        return result;
    const struct target *t = s->target;
    struct my_sets *sets = mem_alloc(sizeof(*sets));
    sets->staged = needs_stage(t);
    sets->most =
        t->server.max_allowed_packet / 4 < STATEMENT_BYTES ? t->server.max_allowed_packet / 4 : STATEMENT_BYTES;
    sets->one_upsert = t->server.family == MY_MYSQL && has_fulltext(t);
    sets->key_tuple = key_tuple(t, sets);
    result = make_keys(t, sets, err);
    if (result == SC_OK)
        result = set_session(s, err);
    make_direct(s, sets);
    if (result == SC_OK && sets->staged) {
        make_staged(s, sets);
        result = make_temporary(s, t->stage_name, false, err);
        if (result == SC_OK)
            result = make_temporary(s, KEYS_TABLE, true, err);
    }
    if (result != SC_OK) {
        my_sets_free(sets);
        return result;
    }
    s->apply->sets = sets;
    return SC_OK;
}

void my_sets_free(struct my_sets *sets)
{
    if (!sets)
        return;
    buf_fini(&sets->keys_list);
    buf_fini(&sets->values_list);
    buf_fini(&sets->script.sql);
    arena_fini(&sets->arena);
    mem_free(sets);
}

/* --- parking
 * -------------------------------------------------------------------------------------------------------------- */

enum sc_result my_park_learn(struct session *s, struct sc_error *err)
{
    const struct target *t = s->target;
    struct my_sets *sets = s->apply->sets;
    sets->parks = sets->park != NULL;
    if (sets->park_known)
        return SC_OK;
    struct buf sql = {0}, park = {0};
    buf_str(&sql, "SELECT DISTINCT COLUMN_NAME FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0 AND COLUMN_NAME "
                  "IS NOT NULL AND NULLABLE = 'YES' AND TABLE_SCHEMA = ");
    my_add_literal(&sql, t->schema);
    buf_str(&sql, " AND TABLE_NAME = ");
    my_add_literal(&sql, t->ghost_name);
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(s->conn, err, &res, buf_cstr(&sql));
    buf_fini(&sql);
    MYSQL_ROW row;
    while (result == SC_OK && (row = mysql_fetch_row(res))) {
        for (int i = 0; i < t->map.ncolumns; i++) {
            if (is_key(t, i) || strcasecmp(t->map.columns[i].ghost_column, row[0]) != 0)
                continue;
            buf_str(&park, park.len ? ", " : "");
            my_add_ghost_column(&park, t, t->map.columns[i].ghost_column);
            buf_str(&park, " = NULL");
        }
    }
    mysql_free_result(res);
    if (result == SC_OK) {
        sets->park = park.len ? arena_strdup(&sets->arena, buf_cstr(&park)) : NULL;
        sets->parks = sets->park != NULL;
        sets->park_known = true;
    }
    buf_fini(&park);
    return result;
}
