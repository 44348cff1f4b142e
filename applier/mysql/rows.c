#include "applier/mysql/rows.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- columns that the ALTER adds
 * --------------------------------------------------------------------------------------- */

/* What ALTER TABLE ADD COLUMN gives the rows that are there, where the column has no default: the zero of its type
 * (MySQL manual, "Data Type Default Values"). NULL: there is none. */
static const char *zero_of(const char *data_type)
{
    static const struct {
        const char *type, *zero;
    } zeros[] = {
        {"tinyint", "0"},
        {"smallint", "0"},
        {"mediumint", "0"},
        {"int", "0"},
        {"bigint", "0"},
        {"decimal", "0"},
        {"float", "0"},
        {"double", "0"},
        {"bit", "0"},
        {"year", "0"},
        {"date", "'0000-00-00'"},
        {"datetime", "'0000-00-00 00:00:00'"},
        {"timestamp", "'0000-00-00 00:00:00'"},
        {"time", "'00:00:00'"},
        {"enum", "1"},
        {"uuid", "'00000000-0000-0000-0000-000000000000'"},
        {"inet4", "'0.0.0.0'"},
        {"inet6", "'::'"},
        {"char", "''"},
        {"varchar", "''"},
        {"binary", "''"},
        {"varbinary", "''"},
        {"set", "''"},
        {"tinytext", "''"},
        {"text", "''"},
        {"mediumtext", "''"},
        {"longtext", "''"},
        {"tinyblob", "''"},
        {"blob", "''"},
        {"mediumblob", "''"},
        {"longblob", "''"},
        {"json", "CAST('null' AS JSON)"},
    };
    for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++)
        if (strcasecmp(data_type, zeros[i].type) == 0)
            return zeros[i].zero;
    return NULL;
}

static bool is_mapped(const struct target *t, const char *ghost_column)
{
    for (int i = 0; i < t->map.ncolumns; i++)
        if (strcasecmp(t->map.columns[i].ghost_column, ghost_column) == 0)
            return true;
    return false;
}

/* Added columns that are NOT NULL and have no default: in strict mode no row goes in without naming them. */
static enum sc_result add_zeros(struct session *s, struct buf *columns, struct buf *values, struct sc_error *err)
{
    struct target *t = s->target;
    MYSQL_RES *res = NULL;
    struct buf sql = {0};
    buf_str(&sql, "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ");
    my_add_literal(&sql, t->schema);
    buf_str(&sql, " AND TABLE_NAME = ");
    my_add_literal(&sql, t->ghost_name);
    buf_str(&sql, " AND IS_NULLABLE = 'NO' AND COLUMN_DEFAULT IS NULL AND COALESCE(GENERATION_EXPRESSION, '') = '' AND "
                  "EXTRA NOT LIKE '%auto_increment%' ORDER BY ORDINAL_POSITION");
    enum sc_result result = my_query(s->conn, err, &res, buf_cstr(&sql));
    buf_fini(&sql);
    MYSQL_ROW row;
    while (result == SC_OK && (row = mysql_fetch_row(res))) {
        if (is_mapped(t, row[0]))
            continue;
        const char *zero = zero_of(row[1]);
        if (!zero)
            continue; /* the server says itself that it cannot be done */
        buf_str(columns, ", ");
        my_add_ident(columns, row[0]);
        buf_printf(values, ", %s", t->server.family == MY_MARIADB && strcasecmp(row[1], "json") == 0 ? "'null'" : zero);
    }
    mysql_free_result(res);
    return result;
}

/* --- the parts of statements
 * ------------------------------------------------------------------------------------------ */

/* A row that is there already was put there by the applier, which knows better. The key is set to what it is; so are
 * columns that the server would set to the time of the change. */
static void add_untouched(struct buf *b, const struct target *t, const char *ghost)
{
    buf_str(b, " ON DUPLICATE KEY UPDATE ");
    const char *key = t->map.columns[t->map.key[0]].ghost_column;
    buf_printf(b, "%s.", ghost);
    my_add_ident(b, key);
    buf_printf(b, " = %s.", ghost);
    my_add_ident(b, key);
    for (int i = 0; i < t->ghost.ncolumns; i++) {
        const struct my_column *column = &t->ghost.columns[i];
        if (!column->extra || !strcasestr(column->extra, "on update"))
            continue;
        buf_printf(b, ", %s.", ghost);
        my_add_ident(b, column->name);
        buf_printf(b, " = %s.", ghost);
        my_add_ident(b, column->name);
    }
}

static const char *qualified(struct arena *a, void (*add)(struct buf *, const struct target *), const struct target *t)
{
    struct buf b = {0};
    add(&b, t);
    const char *name = arena_strdup(a, buf_cstr(&b));
    buf_fini(&b);
    return name;
}

static enum sc_result make_lists(struct session *s, struct my_apply *apply, struct sc_error *err)
{
    const struct target *t = s->target;
    struct buf columns = {0}, values = {0}, added = {0}, untouched = {0};
    for (int i = 0; i < t->map.ncolumns; i++) {
        const struct my_mapped *m = &t->map.columns[i];
        buf_str(&columns, i ? ", " : "");
        my_add_ident(&columns, m->ghost_column);
        buf_str(&values, i ? ", " : "");
        my_add_ident(&values, t->source.columns[m->source_column].name);
    }
    enum sc_result result = add_zeros(s, &columns, &added, err);
    buf_bytes(&values, added.data, added.len);
    add_untouched(&untouched, t, apply->ghost);
    apply->insert_columns = arena_strdup(&apply->arena, buf_cstr(&columns));
    apply->select_values = arena_strdup(&apply->arena, buf_cstr(&values));
    apply->added_values = arena_strdup(&apply->arena, buf_cstr(&added));
    apply->untouched = arena_strdup(&apply->arena, buf_cstr(&untouched));
    buf_fini(&columns);
    buf_fini(&values);
    buf_fini(&added);
    buf_fini(&untouched);
    return result;
}

/* With innodb_autoinc_lock_mode 0 or 1 (MariaDB's default) an INSERT ... SELECT holds the table's AUTO-INC lock to its
 * end, also when every value is given. */
static enum sc_result learn_one_writer(struct session *s, struct my_apply *apply, struct sc_error *err)
{
    const struct target *t = s->target;
    bool numbered = false;
    for (int i = 0; i < t->ghost.ncolumns; i++)
        numbered |= t->ghost.columns[i].auto_increment;
    if (!numbered)
        return SC_OK;
    char *mode = NULL;
    enum sc_result result = my_value(s->conn, err, &mode, "SELECT @@innodb_autoinc_lock_mode");
    apply->one_writer = mode && strcmp(mode, "2") != 0;
    mem_free(mode);
    return result;
}

enum sc_result my_rows_open(struct session *s, struct sc_error *err)
{
    if (s->apply)
        return SC_OK;
    const struct target *t = s->target;
    struct my_apply *apply = mem_alloc(sizeof(*apply));
    apply->source = qualified(&apply->arena, my_add_source, t);
    apply->ghost = qualified(&apply->arena, my_add_ghost, t);
    apply->literals = arena_array(&apply->arena, (size_t)t->source.ncolumns, sizeof(*apply->literals));
    enum sc_result result = SC_OK;
    for (int i = 0; i < t->source.ncolumns && result == SC_OK; i++)
        result = my_literal_init(&apply->literals[i], t->server.family, &t->source.columns[i], err);
    if (result == SC_OK)
        result = make_lists(s, apply, err);
    if (result == SC_OK)
        result = learn_one_writer(s, apply, err);
    if (result == SC_OK)
        result = my_runf(s->conn, err, "SET SESSION innodb_lock_wait_timeout = %d", MY_LOCK_WAIT_S);
    if (result != SC_OK) {
        my_apply_free(apply);
        return result;
    }
    s->apply = apply;
    return SC_OK;
}

/* --- what went wrong
 * ------------------------------------------------------------------------------------------------------ */

bool my_was_locked(const struct session *s)
{
    unsigned number = my_errno(s->conn);
    return my_alive(s->conn) &&
           (number == ER_LOCK_WAIT_TIMEOUT_NUMBER || number == ER_LOCK_NOWAIT_NUMBER || number == ER_DEADLOCK_NUMBER);
}

enum sc_result my_rows_explain(const struct session *s, enum sc_result result, const char *doing, struct sc_error *err)
{
    const struct target *t = s->target;
    if (result != SC_FAIL || err->hint[0])
        return result;
    error_wrap(err, "cannot %s %s.%s", doing, t->schema, t->name);
    /* Class 42: a name or a right is not there any more. */
    error_hint(
        err,
        strncmp(err->sqlstate, "42", 2) == 0
            ? "Somebody dropped or changed the table, or rights on it. Run `seachange abort %s`, and start again "
              "if there is still a table to migrate."
            : "A row does not fit the new table. The source is untouched; mend the data or the ALTER, then "
              "`seachange abort %s` and start again.",
        t->migration.id);
    return result;
}
