#include "applier/mysql/rows.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- the parts of statements
 * ------------------------------------------------------------------------------------------ */

void my_add_incoming(struct buf *b, const struct target *t, const struct my_mapped *m, enum my_incoming from)
{
    const char *source_column = t->source.columns[m->source_column].name;
    if (from == MY_FROM_VALUES) {
        bool alias = my_has_row_alias(t);
        buf_str(b, alias ? MY_ROW_ALIAS "." : "VALUES(");
        my_add_ident(b, m->ghost_column);
        buf_str(b, alias ? "" : ")");
    } else if (from == MY_FROM_SOURCE) {
        my_add_source(b, t);
        buf_char(b, '.');
        my_add_ident(b, source_column);
    } else {
        my_add_qualified(b, t->schema, t->stage_name);
        buf_char(b, '.');
        my_add_ident(b, source_column);
    }
}

void my_add_ghost_column(struct buf *b, const struct target *t, const char *column)
{
    my_add_ghost(b, t);
    buf_char(b, '.');
    my_add_ident(b, column);
}

void my_add_same_key(struct buf *b, const struct target *t, enum my_incoming from)
{
    const char *first = t->map.columns[t->map.key[0]].ghost_column;
    my_add_ghost_column(b, t, first);
    buf_str(b, " = ");
    if (!t->key.ghost_primary) {
        buf_str(b, "IF(");
        for (int k = 0; k < t->map.nkey; k++) {
            const struct my_mapped *m = &t->map.columns[t->map.key[k]];
            buf_str(b, k ? " AND " : "");
            my_add_ghost_column(b, t, m->ghost_column);
            buf_str(b, " <=> ");
            my_add_incoming(b, t, m, from);
        }
        buf_str(b, ", ");
    }
    my_add_ghost_column(b, t, first);
    buf_str(b, t->key.ghost_primary ? "" : ", NULL)");
}

/* A row with this key that is there already was put there by the applier, which knows better. The key is set to what it
 * is; so are columns that the server would set to the time of the change. */
static void add_untouched(struct buf *b, const struct target *t)
{
    buf_str(b, " ON DUPLICATE KEY UPDATE ");
    my_add_same_key(b, t, MY_FROM_SOURCE);
    for (int i = 0; i < t->ghost.ncolumns; i++) {
        const struct my_column *column = &t->ghost.columns[i];
        if (!column->extra || !strcasestr(column->extra, "on update"))
            continue;
        buf_str(b, ", ");
        my_add_ghost_column(b, t, column->name);
        buf_str(b, " = ");
        my_add_ghost_column(b, t, column->name);
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

static void make_lists(const struct target *t, struct my_apply *apply)
{
    struct buf columns = {0}, values = {0}, untouched = {0};
    for (int i = 0; i < t->map.ncolumns; i++) {
        const struct my_mapped *m = &t->map.columns[i];
        buf_str(&columns, i ? ", " : "");
        my_add_ident(&columns, m->ghost_column);
        buf_str(&values, i ? ", " : "");
        my_add_ident(&values, t->source.columns[m->source_column].name);
    }
    if (t->map.nkey > 0) /* else there is no ghost: rows are only read */
        add_untouched(&untouched, t);
    apply->insert_columns = arena_strdup(&apply->arena, buf_cstr(&columns));
    apply->select_values = arena_strdup(&apply->arena, buf_cstr(&values));
    apply->untouched = arena_strdup(&apply->arena, buf_cstr(&untouched));
    buf_fini(&columns);
    buf_fini(&values);
    buf_fini(&untouched);
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
    make_lists(t, apply);
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
