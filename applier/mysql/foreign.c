/* Foreign keys out of the table: which ones the new table shall have.
 *
 * The ghost has none while it is filled: its rows lag behind, so a parent that the application may delete would still
 * have a child there. They are put on when the tables are swapped (foreign_run.c). What the server does to the table's
 * own rows because of one (ON DELETE CASCADE and the like) has to be in the log. MySQL's has it from 9.6 on, where the
 * server itself sees to foreign keys; before that, and in MariaDB, the storage engine does, and nobody is told. */
#include "applier/mysql/foreign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "applier/mysql/ghost.h"
#include "applier/mysql/names.h"
#include "applier/mysql/ops.h"

#define COUNTED_MOST 1000
#define NAME_MOST 64

/* --- the source's ------------------------------------------------------------------------------------------------- */

/* As the server writes it, so as an ALTER could. */
static enum sc_result read_constraint(const struct my_constraint *c, struct my_alter *out, struct sc_error *err)
{
    struct buf b = {0};
    buf_str(&b, "ADD CONSTRAINT ");
    my_add_ident(&b, c->name);
    buf_printf(&b, " %s", c->definition);
    enum sc_result result = my_alter_parse(buf_cstr(&b), (struct my_alter_mode){0}, out, err);
    buf_fini(&b);
    if (result == SC_OK && out->nforeign_added != 1) {
        my_alter_fini(out);
        result = error_set(err, SC_REFUSE, "it is not understood");
    }
    return result;
}

/* NULL: it leaves the table's own rows alone. */
static const char *changes_rows(const char *on, const char *rule, char *text, size_t size)
{
    if (!rule || strcmp(rule, "RESTRICT") == 0 || strcmp(rule, "NO ACTION") == 0)
        return NULL;
    snprintf(text, size, "ON %s %s", on, rule);
    return text;
}

/* Is what foreign keys do to rows in the log? On a replica the primary's log decides, which may be another version's.
 */
static enum sc_result logs_actions(struct target *t, bool *logged, struct sc_error *err)
{
    char *native = NULL;
    struct sc_error ignored;
    MYSQL_RES *res = NULL;
    *logged = false;
    if (t->server.family != MY_MYSQL || t->server.version < 90600)
        return SC_OK;
    enum sc_result result = my_value(t->control, err, &native, "SELECT @@GLOBAL.innodb_native_foreign_keys");
    if (result == SC_OK && native && strcmp(native, "0") == 0 &&
        my_query(t->control, &ignored, &res, "SHOW REPLICA STATUS") == SC_OK)
        *logged = mysql_num_rows(res) == 0;
    mysql_free_result(res);
    mem_free(native);
    return result;
}

static bool same_table(const struct target *t, const struct my_foreign_clause *f)
{
    return strcasecmp(f->table, t->name) == 0 && (!f->schema || strcasecmp(f->schema, t->schema) == 0);
}

/* A name that the server gave follows the table's: "t_ibfk_1" becomes "<old>_ibfk_1", and must fit. */
static bool fits_old_name(const struct target *t, const char *name)
{
    size_t len = strlen(t->name);
    if (t->server.family != MY_MYSQL || strncmp(name, t->name, len) != 0 || strncmp(name + len, "_ibfk_", 6) != 0)
        return true;
    char *old = my_table_name_with(t->name, MY_OLD_SUFFIX "00000000");
    bool fits = my_name_characters(old) + strlen(name + len) <= NAME_MOST;
    mem_free(old);
    return fits;
}

static void check_one(struct target *t, const struct my_constraint *c, bool logged, struct plan *plan)
{
    struct my_alter read;
    struct sc_error reason;
    char text[40];
    if (read_constraint(c, &read, &reason) != SC_OK) {
        strlist_addf(&plan->refusals, "foreign key %s cannot be carried over: %s", c->name, reason.what);
        return;
    }
    const struct my_foreign_clause *f = &read.foreign_added[0];
    const char *rule = changes_rows("DELETE", f->on_delete, text, sizeof(text));
    if (!rule)
        rule = changes_rows("UPDATE", f->on_update, text, sizeof(text));
    if (rule && !logged)
        strlist_addf(&plan->refusals,
                     "foreign key %s is %s: what that does to rows of the table is not in this server's binary log, so "
                     "it would be missing. Drop that foreign key for the time of the migration.",
                     c->name, rule);
    else if (same_table(t, f))
        strlist_addf(&plan->refusals,
                     "foreign key %s refers to the table itself. Drop that foreign key for the time of the migration.",
                     c->name);
    else if (!fits_old_name(t, c->name))
        strlist_addf(&plan->refusals,
                     "foreign key %s has a name that follows the table's, and there is no room for the old table's. "
                     "Give it a name of its own (drop and add it with CONSTRAINT name).",
                     c->name);
    my_alter_fini(&read);
}

enum sc_result my_foreign_check(struct target *t, struct plan *plan, struct sc_error *err)
{
    bool logged = false;
    enum sc_result result = logs_actions(t, &logged, err);
    for (int i = 0; i < t->source.nconstraints && result == SC_OK; i++)
        if (t->source.constraints[i].foreign)
            check_one(t, &t->source.constraints[i], logged, plan);
    return result;
}

void my_foreign_parents(const struct target *t, struct strlist *out)
{
    for (int i = 0; i < t->source.nconstraints; i++) {
        struct my_alter read;
        struct sc_error ignored;
        if (!t->source.constraints[i].foreign || read_constraint(&t->source.constraints[i], &read, &ignored) != SC_OK)
            continue;
        const struct my_foreign_clause *f = &read.foreign_added[0];
        char *name = my_qualified(f->schema ? f->schema : t->schema, f->table);
        if (!strlist_has(out, name))
            strlist_add(out, name);
        mem_free(name);
        my_alter_fini(&read);
    }
}

/* --- those of the new table --------------------------------------------------------------------------------------- */

static const struct my_constraint *find_key(const struct target *t, const char *name)
{
    for (int i = 0; i < t->source.nconstraints; i++)
        if (t->source.constraints[i].foreign && strcasecmp(t->source.constraints[i].name, name) == 0)
            return &t->source.constraints[i];
    return NULL;
}

/* DROP CONSTRAINT drops a foreign key if there is one of that name. */
static enum sc_result learn_dropped(const struct target *t, struct my_alter *alter, struct sc_error *err)
{
    for (int i = 0; i < alter->nforeign_dropped; i++) {
        const struct my_foreign_dropped *d = &alter->foreign_dropped[i];
        if (find_key(t, d->name))
            alter->actions[d->action].cut = true;
        else if (d->certain && !d->if_exists)
            return error_set(err, SC_REFUSE, "--alter: there is no foreign key %s to drop", d->name);
    }
    return SC_OK;
}

static bool is_dropped(const struct my_alter *alter, const char *name)
{
    for (int i = 0; i < alter->nforeign_dropped; i++)
        if (alter->actions[alter->foreign_dropped[i].action].cut &&
            strcasecmp(alter->foreign_dropped[i].name, name) == 0)
            return true;
    return false;
}

static const char *const *copy_names(struct target *t, const char *const *names, int count)
{
    const char **out = arena_array(&t->arena, (size_t)count, sizeof(*out));
    for (int i = 0; i < count; i++)
        out[i] = arena_strdup(&t->arena, names[i]);
    return out;
}

static struct my_foreign *add(struct target *t, struct my_foreigns *out, const struct my_foreign_clause *f)
{
    struct my_foreign *key = &out->all[out->count++];
    *key = (struct my_foreign){
        .name = f->name ? arena_strdup(&t->arena, f->name) : NULL,
        .unnamed = !f->name,
        .index_name = f->index_name ? arena_strdup(&t->arena, f->index_name) : NULL,
        .columns = copy_names(t, f->columns, f->ncolumns),
        .refs = copy_names(t, f->refs, f->ncolumns),
        .ncolumns = f->ncolumns,
        .schema = arena_strdup(&t->arena, f->schema ? f->schema : t->schema),
        .table = arena_strdup(&t->arena, f->table),
        .on_delete = f->on_delete,
        .on_update = f->on_update,
    };
    return key;
}

static enum sc_result carry(struct target *t, const struct my_alter *alter, const struct my_constraint *c,
                            struct my_foreigns *out, struct sc_error *err)
{
    struct my_alter read;
    enum sc_result result = read_constraint(c, &read, err);
    if (result != SC_OK)
        return result;
    struct my_foreign *key = add(t, out, &read.foreign_added[0]);
    const char **columns = arena_array(&t->arena, (size_t)key->ncolumns, sizeof(*columns));
    for (int i = 0; i < key->ncolumns && result == SC_OK; i++) {
        const char *name = my_new_column_name(alter, key->columns[i]);
        if (!name)
            result = error_set(err, SC_REFUSE, "--alter drops column %s, which foreign key %s needs", key->columns[i],
                               key->name);
        else
            columns[i] = arena_strdup(&t->arena, name);
    }
    key->columns = columns;
    my_alter_fini(&read);
    return result;
}

/* The server's own names are <table>_ibfk_<number>, one more than the highest. MariaDB: an index's name is the key's,
 * too. */
static void name_added(struct target *t, const struct my_foreign_clause *f, struct my_foreign *key,
                       unsigned long *highest)
{
    if (key->name)
        return;
    if (f->index_name && t->server.family == MY_MARIADB)
        key->name = arena_strdup(&t->arena, f->index_name);
    else
        key->name = arena_printf(&t->arena, "%s_ibfk_%lu", t->name, ++*highest);
}

static unsigned long highest_number(const struct target *t)
{
    unsigned long highest = 0;
    size_t len = strlen(t->name);
    for (int i = 0; i < t->source.nconstraints; i++) {
        const char *name = t->source.constraints[i].name;
        if (strncmp(name, t->name, len) != 0 || strncmp(name + len, "_ibfk_", 6) != 0)
            continue;
        unsigned long number = strtoul(name + len + 6, NULL, 10);
        highest = number > highest ? number : highest;
    }
    return highest;
}

static enum sc_result learn_added(struct target *t, const struct my_alter *alter, struct my_foreigns *out,
                                  struct sc_error *err)
{
    unsigned long highest = highest_number(t);
    for (int i = 0; i < alter->nforeign_added; i++) {
        const struct my_foreign_clause *f = &alter->foreign_added[i];
        if (f->if_not_exists && f->name && find_key(t, f->name) && !is_dropped(alter, f->name))
            continue;
        if (same_table(t, f)) {
            error_set(err, SC_REFUSE, "--alter adds a foreign key that refers to the table itself");
            return error_hint(err, "Leave it out, and add it after the migration.");
        }
        struct my_foreign *key = add(t, out, f);
        key->added = true;
        name_added(t, f, key, &highest);
        if (my_name_characters(key->name) > NAME_MOST)
            return error_set(err, SC_REFUSE, "--alter: the name of a foreign key is too long: %s", key->name);
        for (int k = 0; k + 1 < out->count; k++)
            if (strcasecmp(out->all[k].name, key->name) == 0)
                return error_set(err, SC_REFUSE, "--alter: there is a foreign key %s already", key->name);
    }
    return SC_OK;
}

enum sc_result my_foreign_learn(struct target *t, struct my_alter *alter, struct my_foreigns *out, struct sc_error *err)
{
    *out = (struct my_foreigns){0};
    if (alter->foreign) {
        error_set(err, SC_REFUSE, "--alter has a foreign key where it is not understood");
        return error_hint(err, "Write ADD [CONSTRAINT name] FOREIGN KEY ... as an action of its own.");
    }
    size_t most = (size_t)t->source.nconstraints + (size_t)alter->nforeign_added + 1;
    out->all = arena_array(&t->arena, most, sizeof(*out->all));
    enum sc_result result = learn_dropped(t, alter, err);
    for (int i = 0; i < t->source.nconstraints && result == SC_OK; i++) {
        const struct my_constraint *c = &t->source.constraints[i];
        if (c->foreign && !is_dropped(alter, c->name))
            result = carry(t, alter, c, out, err);
    }
    return result == SC_OK ? learn_added(t, alter, out, err) : result;
}

/* --- statements --------------------------------------------------------------------------------------------------- */

static void add_names(struct buf *b, const char *const *names, int count)
{
    buf_char(b, '(');
    for (int i = 0; i < count; i++) {
        buf_str(b, i ? ", " : "");
        my_add_ident(b, names[i]);
    }
    buf_char(b, ')');
}

void my_add_foreign(struct buf *b, const struct my_foreign *key, const char *name, const char *schema,
                    const char *table)
{
    buf_str(b, "ADD ");
    if (name) {
        buf_str(b, "CONSTRAINT ");
        my_add_ident(b, name);
        buf_char(b, ' ');
    }
    buf_str(b, "FOREIGN KEY ");
    if (!name && key->index_name) {
        my_add_ident(b, key->index_name);
        buf_char(b, ' ');
    }
    add_names(b, key->columns, key->ncolumns);
    buf_str(b, " REFERENCES ");
    my_add_qualified(b, schema ? schema : key->schema, table ? table : key->table);
    buf_char(b, ' ');
    add_names(b, key->refs, key->ncolumns);
    if (key->on_delete)
        buf_printf(b, " ON DELETE %s", key->on_delete);
    if (key->on_update)
        buf_printf(b, " ON UPDATE %s", key->on_update);
}

/* " FROM <table> ... WHERE": its rows that have no row in the other table. A key with a NULL in it refers to none. */
static void add_without_parent(struct buf *b, const struct target *t, const char *table, const struct my_foreign *key,
                               const char *const *columns)
{
    buf_str(b, " FROM ");
    my_add_qualified(b, t->schema, table);
    buf_str(b, " child LEFT JOIN ");
    my_add_qualified(b, key->schema, key->table);
    buf_str(b, " parent ON ");
    for (int i = 0; i < key->ncolumns; i++) {
        buf_str(b, i ? " AND child." : "child.");
        my_add_ident(b, columns[i]);
        buf_str(b, " = parent.");
        my_add_ident(b, key->refs[i]);
    }
    buf_str(b, " WHERE parent.");
    my_add_ident(b, key->refs[0]);
    buf_str(b, " IS NULL");
    for (int i = 0; i < key->ncolumns; i++) {
        buf_str(b, " AND child.");
        my_add_ident(b, columns[i]);
        buf_str(b, " IS NOT NULL");
    }
}

static void add_todo(struct target *t, enum my_stage stage, const char *name, struct buf *sql)
{
    my_todo_add(t, stage, name, buf_cstr(sql));
    buf_clear(sql);
}

/* The new table's keys have the names that the old table's have until they are dropped: they are unique in the
 * database. */
void my_foreign_capture_swap(struct target *t, const struct my_foreigns *keys)
{
    struct buf sql = {0};
    bool any = false;
    for (int i = 0; i < t->source.nconstraints; i++) {
        const struct my_constraint *c = &t->source.constraints[i];
        if (!c->foreign)
            continue;
        if (!any) {
            buf_str(&sql, "ALTER TABLE ");
            my_add_old(&sql, t);
        }
        size_t len = strlen(t->name);
        bool follows = strncmp(c->name, t->name, len) == 0 && strncmp(c->name + len, "_ibfk_", 6) == 0;
        char *name = follows ? mem_printf("%s%s", t->old_name, c->name + len) : mem_strdup(c->name);
        buf_str(&sql, any ? ", DROP FOREIGN KEY " : " DROP FOREIGN KEY ");
        my_add_ident(&sql, name);
        mem_free(name);
        any = true;
    }
    if (any)
        add_todo(t, MY_STAGE_RELEASE, "foreign keys of the old table", &sql);
    for (int i = 0; i < keys->count; i++) {
        const struct my_foreign *key = &keys->all[i];
        char *name = mem_printf(MY_FOREIGN_TODO "%s", key->name);
        buf_str(&sql, "ALTER TABLE ");
        my_add_source(&sql, t);
        buf_char(&sql, ' ');
        my_add_foreign(&sql, key, key->name, NULL, NULL);
        buf_str(&sql, ", ALGORITHM=INPLACE");
        add_todo(t, MY_STAGE_FOREIGN, name, &sql);
        mem_free(name);
    }
    buf_fini(&sql);
}

/* The source's columns that the key's are filled from, where their values are the same; else NULL. */
static const char *const *source_columns(struct target *t, const struct my_foreign *key)
{
    const char **names = arena_array(&t->arena, (size_t)key->ncolumns, sizeof(*names));
    for (int i = 0; i < key->ncolumns; i++)
        for (int m = 0; m < t->map.ncolumns; m++)
            if (strcasecmp(t->map.columns[m].ghost_column, key->columns[i]) == 0 && !t->map.columns[m].converts)
                names[i] = t->source.columns[t->map.columns[m].source_column].name;
    for (int i = 0; i < key->ncolumns; i++)
        if (!names[i])
            return NULL;
    return names;
}

/* The source's rows and the parents' are of one snapshot. The ghost's are a little behind. */
void my_foreign_capture_rows(struct target *t, const struct my_foreigns *keys)
{
    struct buf sql = {0};
    for (int i = 0; i < keys->count; i++) {
        const struct my_foreign *key = &keys->all[i];
        if (!key->added)
            continue;
        const char *const *columns = source_columns(t, key);
        buf_str(&sql, "SELECT COUNT(*) FROM (SELECT 1");
        add_without_parent(&sql, t, columns ? t->name : t->ghost_name, key, columns ? columns : key->columns);
        buf_printf(&sql, " LIMIT %d) strays", COUNTED_MOST);
        char *name = mem_printf(MY_FOREIGN_TODO "%s", key->name);
        add_todo(t, MY_STAGE_ROWS, name, &sql);
        mem_free(name);
    }
    for (int i = 0; i < keys->count; i++) {
        const struct my_foreign *key = &keys->all[i];
        char *name = mem_printf(MY_FOREIGN_TODO "%s", key->name);
        buf_str(&sql, "SELECT child.*");
        add_without_parent(&sql, t, t->name, key, key->columns);
        add_todo(t, key->added ? MY_STAGE_STRAYS : MY_STAGE_STRAYS_CARRIED, name, &sql);
        mem_free(name);
    }
    buf_fini(&sql);
}
