#include "applier/mysql/comparison.h"

#include <string.h>
#include <strings.h>

#include "applier/mysql/compare.h"

#define STAGE_TABLE "_seachange_compared"
#define STAGE_ROW "`seachange row`"
#define NO_PAD_BIN 80017 /* has utf8mb4_0900_bin */

void my_comparison_free(struct comparison *c)
{
    if (!c)
        return;
    arena_fini(&c->arena);
    mem_free(c);
}

static const char *keep(struct comparison *c, struct buf *b)
{
    const char *text = arena_strdup(&c->arena, buf_cstr(b));
    buf_fini(b);
    return text;
}

/* --- columns
 * ---------------------------------------------------------------------------------------------------------- */

const struct my_column *my_compared_column(const struct target *t, const struct my_mapped *m)
{
    return &t->ghost.columns[my_table_column(&t->ghost, m->ghost_column)];
}

const struct my_mapped *my_compared_key(const struct target *t, int k)
{
    return &t->map.columns[t->map.key[k]];
}

/* The name of a mapped column on the side that is compared with the ghost. */
static const char *source_name(const struct session *s, const struct my_mapped *m)
{
    const struct target *t = s->target;
    return s->comparison->staged ? m->ghost_column : t->source.columns[m->source_column].name;
}

static bool is_one_of(const char *type, const char *const *types)
{
    for (; *types; types++)
        if (strcasecmp(type, *types) == 0)
            return true;
    return false;
}

static bool is_numbered(const struct my_column *c)
{
    return c->nmembers > 0 || strcasecmp(c->data_type, "bit") == 0;
}

static bool is_floating(const struct my_column *c)
{
    static const char *const types[] = {"float", "double", "real", NULL};
    return is_one_of(c->data_type, types);
}

static bool is_json(const struct session *s, const struct my_column *c)
{
    return s->target->server.family == MY_MYSQL && strcasecmp(c->data_type, "json") == 0;
}

static bool is_instant(const struct session *s, const struct my_column *c)
{
    return s->target->server.family == MY_MYSQL && strcasecmp(c->data_type, "timestamp") == 0;
}

static bool is_bytes(const struct my_column *c)
{
    static const char *const types[] = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", NULL};
    return is_one_of(c->data_type, types);
}

bool my_same_charset(const struct my_column *a, const struct my_column *b)
{
    return a->charset == b->charset || (a->charset && b->charset && strcasecmp(a->charset, b->charset) == 0);
}

bool my_comparable(const struct my_column *a, const struct my_column *b)
{
    static const char *const numbers[] = {"tinyint", "smallint", "mediumint", "int", "bigint", NULL};
    static const char *const texts[] = {"varchar", "tinytext", "text", "mediumtext", "longtext", NULL};
    static const char *const bytes[] = {"varbinary", "tinyblob", "blob", "mediumblob", "longblob", NULL};
    if (is_one_of(a->data_type, numbers) && is_one_of(b->data_type, numbers)) /* zeros in front are shown */
        return !strcasestr(a->type, "zerofill") && !strcasestr(b->type, "zerofill");
    return my_same_charset(a, b) && ((is_one_of(a->data_type, texts) && is_one_of(b->data_type, texts)) ||
                                     (is_one_of(a->data_type, bytes) && is_one_of(b->data_type, bytes)));
}

/* Values of which the server would have to be told more than `=` to compare all bytes. */
static bool is_opaque(const struct my_column *c)
{
    static const char *const types[] = {"geometry",
                                        "point",
                                        "linestring",
                                        "polygon",
                                        "multipoint",
                                        "multilinestring",
                                        "multipolygon",
                                        "geometrycollection",
                                        "geomcollection",
                                        "vector",
                                        NULL};
    return is_one_of(c->data_type, types);
}

void my_add_column(struct buf *b, const char *qualifier, const char *name)
{
    if (qualifier)
        buf_printf(b, "%s.", qualifier);
    my_add_ident(b, name);
}

/* The collation under which texts of a character set are the same only where all bytes are: one that does not pad with
 * blanks. NULL where this server has none. */
static char *unpadded(const struct target *t, const char *charset)
{
    if (t->server.family == MY_MARIADB)
        return mem_printf("%s_nopad_bin", charset);
    bool has = t->server.version >= NO_PAD_BIN && strcasecmp(charset, "utf8mb4") == 0;
    return has ? mem_strdup("utf8mb4_0900_bin") : NULL;
}

static void add_same_text(struct buf *b, const struct session *s, const char *charset, const char *sc, const char *gc)
{
    char *collation = unpadded(s->target, charset);
    if (collation)
        buf_printf(b, "%s COLLATE %s <=> %s COLLATE %s", sc, collation, gc, collation);
    else
        buf_printf(b, "LENGTH(%s) <=> LENGTH(%s) AND %s COLLATE %s_bin <=> %s COLLATE %s_bin", sc, gc, sc, charset, gc,
                   charset);
    mem_free(collation);
}

/* A condition that is true where both have the same value, byte for byte. */
static void add_same(struct buf *b, const struct session *s, const struct my_mapped *m)
{
    const struct my_column *c = my_compared_column(s->target, m);
    struct buf sb = {0}, gb = {0};
    my_add_column(&sb, "s", source_name(s, m));
    my_add_column(&gb, "g", m->ghost_column);
    const char *sc = buf_cstr(&sb), *gc = buf_cstr(&gb);
    if (is_numbered(c))
        buf_printf(b, "%s + 0 <=> %s + 0", sc, gc);
    else if (is_floating(c)) /* 0 = -0, which only MySQL shows */
        buf_printf(b, "%s <=> %s AND NOT (COALESCE(%s = 0, FALSE) AND CONCAT(%s) <> CONCAT(%s))", sc, gc, sc, sc, gc);
    else if (is_json(s, c)) /* 1 = 1.0; a text that is too long for the server is NULL */
        buf_printf(b, "COALESCE(CAST(%s AS BINARY) = CAST(%s AS BINARY), %s IS NULL AND %s IS NULL)", sc, gc, sc, gc);
    else if (is_opaque(c))
        buf_printf(b, "COALESCE(HEX(%s) = HEX(%s), %s IS NULL AND %s IS NULL)", sc, gc, sc, gc);
    else if (c->charset && c->collation && !is_bytes(c) && strcmp(c->charset, "binary") != 0)
        add_same_text(b, s, c->charset, sc, gc);
    else if (is_instant(s, c)) /* as it is stored: no calendar, half the work */
        buf_printf(b, "UNIX_TIMESTAMP(%s) <=> UNIX_TIMESTAMP(%s)", sc, gc);
    else
        buf_printf(b, "%s <=> %s", sc, gc);
    buf_fini(&sb);
    buf_fini(&gb);
}

/* A text that says all of one value, and never contains a comma that is not announced. Where the server cannot make it
 * (longer than max_allowed_packet) it says on which side, so that the two are not the same. */
static void add_hashed(struct buf *b, const struct session *s, const struct my_mapped *m, bool source)
{
    const struct my_column *c = my_compared_column(s->target, m);
    struct buf name = {0};
    my_add_ident(&name, source ? source_name(s, m) : m->ghost_column);
    const char *n = buf_cstr(&name), *unknown = source ? "'?s'" : "'?g'";
    if (is_numbered(c))
        buf_printf(b, "COALESCE(CAST(%s + 0 AS CHAR), 'N')", n);
    else if (is_floating(c))
        buf_printf(b, "COALESCE(CONCAT(%s + 0e0, IF(%s = 0, CONCAT(%s), '')), 'N')", n, n, n);
    else if (is_json(s, c))
        buf_printf(b, "IF(%s IS NULL, 'N', COALESCE(SHA2(CAST(%s AS CHAR), 256), %s))", n, n, unknown);
    else if (is_opaque(c) || is_bytes(c) || c->charset)
        buf_printf(b, "IF(%s IS NULL, 'N', COALESCE(SHA2(%s(%s), 256), %s))", n, is_opaque(c) ? "HEX" : "", n, unknown);
    else
        buf_printf(b, "COALESCE(CAST(%s AS CHAR), 'N')", n);
    buf_fini(&name);
}

/* Is there a row in the ghost, and is it the same? Never NULL, and if it were the row would not pass. */
static const char *make_same(const struct session *s)
{
    const struct target *t = s->target;
    struct buf b = {0};
    my_add_column(&b, "g", my_compared_key(t, 0)->ghost_column);
    buf_str(&b, " IS NOT NULL");
    for (int i = 0; i < t->map.ncolumns; i++) {
        buf_str(&b, " AND ");
        add_same(&b, s, &t->map.columns[i]);
    }
    return keep(s->comparison, &b);
}

static const char *make_side(const struct session *s, bool source)
{
    const struct target *t = s->target;
    struct comparison *c = s->comparison;
    struct buf b = {0};
    buf_str(&b, "SELECT ");
    for (int k = 0; k < t->map.nkey; k++) {
        const struct my_mapped *m = my_compared_key(t, k);
        const struct my_literal *literal = source && !c->staged ? &s->apply->literals[m->source_column] : &c->keys[k];
        my_add_key_select(&b, literal, NULL);
        buf_printf(&b, " AS k%d, ", k);
    }
    buf_str(&b, "SHA2(CONCAT_WS(','");
    for (int i = 0; i < t->map.ncolumns; i++) {
        buf_str(&b, ", ");
        add_hashed(&b, s, &t->map.columns[i], source);
    }
    buf_printf(&b, "), 256) AS h FROM %s", source ? c->source_from : c->ghost_from);
    return keep(c, &b);
}

/* --- the temporary table
 * ---------------------------------------------------------------------------------------------- */

static void make_stage(const struct session *s)
{
    const struct target *t = s->target;
    struct comparison *c = s->comparison;
    struct buf b = {0}, stage = {0};
    my_add_qualified(&stage, t->schema, STAGE_TABLE);
    buf_printf(&b,
               "CREATE TEMPORARY TABLE IF NOT EXISTS %s (" STAGE_ROW
               " bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB SELECT %s FROM %s LIMIT 0",
               buf_cstr(&stage), s->apply->insert_columns, s->apply->ghost);
    c->create = keep(c, &b);
    buf_printf(&b, "DELETE FROM %s", buf_cstr(&stage));
    c->empty = keep(c, &b);
    buf_printf(&b, "INSERT INTO %s (%s) SELECT %s FROM %s FORCE INDEX (", buf_cstr(&stage), s->apply->insert_columns,
               s->apply->select_values, s->apply->source);
    my_add_ident(&b, t->key.index_name);
    buf_char(&b, ')');
    c->fill = keep(c, &b);
    c->source_from = keep(c, &stage);
}

static const char *indexed(struct comparison *c, const char *table, const char *index)
{
    struct buf b = {0};
    buf_printf(&b, "%s FORCE INDEX (", table);
    my_add_ident(&b, index);
    buf_char(&b, ')');
    return keep(c, &b);
}

static const char *make_join(const struct session *s)
{
    const struct target *t = s->target;
    struct comparison *c = s->comparison;
    struct buf b = {0};
    buf_printf(&b, " FROM %s AS s", c->staged ? c->source_from : s->apply->source);
    if (!c->staged) {
        buf_str(&b, " FORCE INDEX (");
        my_add_ident(&b, t->key.index_name);
        buf_char(&b, ')');
    }
    buf_printf(&b, " LEFT JOIN %s AS g FORCE INDEX (", s->apply->ghost);
    my_add_ident(&b, t->key.ghost_index_name);
    buf_str(&b, ") ON ");
    for (int k = 0; k < t->map.nkey; k++) {
        buf_str(&b, k ? " AND " : "");
        my_add_column(&b, "g", my_compared_key(t, k)->ghost_column);
        buf_str(&b, " = ");
        my_add_column(&b, "s", source_name(s, my_compared_key(t, k)));
    }
    return keep(c, &b);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

enum sc_result my_comparison_open(struct session *s, struct sc_error *err)
{
    enum sc_result result = my_rows_open(s, err);
    if (result != SC_OK || s->comparison)
        return result;
    const struct target *t = s->target;
    struct comparison *c = s->comparison = mem_alloc(sizeof(*c));
    c->keys = arena_array(&c->arena, (size_t)t->map.nkey, sizeof(*c->keys));
    c->same_order = true;
    for (int i = 0; i < t->map.ncolumns; i++)
        c->staged |= t->map.columns[i].converts && !my_comparable(&t->source.columns[t->map.columns[i].source_column],
                                                                  my_compared_column(t, &t->map.columns[i]));
    for (int k = 0; k < t->map.nkey && result == SC_OK; k++) {
        const struct my_column *to = my_compared_column(t, my_compared_key(t, k));
        c->same_order &= same_text(to->collation, t->source.columns[t->key.columns[k]].collation);
        result = my_literal_init(&c->keys[k], t->server.family, to, err);
    }
    c->staged |= !c->same_order;
    c->source_from = indexed(c, s->apply->source, t->key.index_name);
    c->ghost_from = indexed(c, s->apply->ghost, t->key.ghost_index_name);
    if (c->staged)
        make_stage(s);
    c->source_side = make_side(s, true);
    c->ghost_side = make_side(s, false);
    c->join = make_join(s);
    c->same = make_same(s);
    if (result == SC_OK && c->staged) {
        result = my_run(s->conn, err, c->create);
        if (result == SC_FAIL && strcmp(err->sqlstate, "42000") == 0) /* access denied */
            error_hint(
                err,
                "Where types differ, values are converted in a temporary table: GRANT CREATE TEMPORARY TABLES ON "
                "database %s to the account.",
                t->schema);
    }
    if (result != SC_OK) {
        my_comparison_free(c);
        s->comparison = NULL;
        error_wrap(err, "cannot compare the tables");
    }
    return result;
}

enum sc_result my_compare_prepare(struct session *s, struct my_conn *other, struct sc_error *err)
{
    enum sc_result result = my_comparison_open(s, err);
    if (result != SC_OK || !other || !s->comparison->staged)
        return result;
    /* Its values are to be read and converted as on every other session. */
    char *mode = NULL;
    result = my_value(s->conn, err, &mode, "SELECT @@SESSION.sql_mode");
    struct buf sql = {0};
    buf_str(&sql, "SET SESSION sql_mode = ");
    my_add_literal(&sql, mode ? mode : "");
    if (result == SC_OK)
        result = my_run(other, err, buf_cstr(&sql));
    if (result == SC_OK)
        result = my_run(other, err, s->comparison->create);
    buf_fini(&sql);
    mem_free(mode);
    return result;
}
