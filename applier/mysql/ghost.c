/* Making the ghost: the source's definition, the ALTER on it, and what is taken off until the rows are in.
 *
 * DDL is not transactional here. What is made has the migration's id in its name and in its comment; the state's row is
 * there before it, and prepare() drops whatever a first try left. The comment is the operator's again before the
 * cutover. */
#include "applier/mysql/ghost.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "applier/mysql/foreign.h"
#include "applier/mysql/names.h"
#include "applier/mysql/ops.h"
#include "base/log.h"

#define NAME_MOST 64

enum sc_result my_alter_of(struct target *t, struct my_alter *out, struct sc_error *err)
{
    return my_alter_parse(t->spec.alter, my_alter_mode_of(t->server.sql_mode), out, err);
}

enum sc_result my_run_as_operator(struct target *t, const char *sql, struct sc_error *err)
{
    char *mode = my_literal(t->server.sql_mode), *ours = NULL, *literal = NULL;
    enum sc_result result = my_value(t->control, err, &ours, "SELECT @@SESSION.sql_mode");
    if (result == SC_OK)
        result = my_runf(t->control, err, "SET SESSION sql_mode = %s", mode);
    if (result == SC_OK) {
        result = my_run(t->control, err, sql);
        unsigned error = my_errno(t->control);
        literal = my_literal(ours);
        struct sc_error again;
        if (my_alive(t->control) && my_runf(t->control, &again, "SET SESSION sql_mode = %s", literal) != SC_OK &&
            result == SC_OK) {
            *err = again;
            result = again.result;
        }
        t->control->error = error;
    }
    mem_free(mode);
    mem_free(ours);
    mem_free(literal);
    return result;
}

/* Not as bytes: neither COMMENT nor DEFAULT take that. Backslashes are escapes in the sessions that run it. */
void my_add_text(struct buf *b, const char *text)
{
    buf_char(b, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            buf_char(b, *text);
        buf_char(b, *text);
    }
    buf_char(b, '\'');
}

struct my_todo *my_todo_add(struct target *t, enum my_stage stage, const char *name, const char *sql)
{
    struct my_todo *all = arena_array(&t->arena, (size_t)t->ntodo + 1, sizeof(*all));
    if (t->ntodo > 0)
        memcpy(all, t->todo, (size_t)t->ntodo * sizeof(*all));
    t->todo = all;
    struct my_todo *todo = &t->todo[t->ntodo];
    *todo = (struct my_todo){
        .number = t->ntodo, .stage = stage, .name = arena_strdup(&t->arena, name), .sql = arena_strdup(&t->arena, sql)};
    t->ntodo++;
    return todo;
}

/* --- the operator's ALTER ----------------------------------------------------------------------------------------- */

/* In MySQL the name of a CHECK is unique in the schema, so the clone's has others. They stand for each other in the
 * ALTER; after the swap the server's own names stay. */
static int pair_checks(const struct target *t, const struct my_table *clone, struct my_renamed *out)
{
    int count = 0;
    for (int i = 0; i < t->source.nconstraints; i++) {
        const struct my_constraint *from = &t->source.constraints[i];
        for (int k = 0; k < clone->nconstraints && !from->foreign; k++) {
            const struct my_constraint *to = &clone->constraints[k];
            bool taken = strcmp(from->definition, to->definition) != 0;
            for (int n = 0; n < count && !taken; n++)
                taken = strcmp(out[n].to, to->name) == 0;
            if (taken)
                continue;
            out[count++] = (struct my_renamed){from->name, to->name};
            break;
        }
    }
    return count;
}

/* 42000 and the like: the server does not take the ALTER; the reason is the operator's to see. */
static enum sc_result alter_failed(struct target *t, enum sc_result result, struct sc_error *err)
{
    if (result != SC_FAIL)
        return result;
    error_wrap(err, "the ALTER fails on an empty copy of the table");
    switch (my_errno(t->control)) {
    case 1142: /* ER_TABLEACCESS_DENIED_ERROR */
    case 1044: /* ER_DBACCESS_DENIED_ERROR */
    case 1227: /* ER_SPECIFIC_ACCESS_DENIED_ERROR */
        error_hint(err, "The account %s lacks a privilege on database %s.", t->server.user, t->schema);
        break;
    case 1067: /* ER_INVALID_DEFAULT */
        error_hint(err,
                   "It can be a default that the table has already and that the server's sql_mode does not allow any "
                   "more (NO_ZERO_DATE, NO_ZERO_IN_DATE): its own ALTER TABLE fails, too. Change that default in the "
                   "same ALTER, or set the server's sql_mode without these until the migration is under way.");
        break;
    default:
        break;
    }
    err->result = SC_REFUSE;
    return SC_REFUSE;
}

/* Numbers that rows had which are gone are not given again, least of all while others write. */
static void tell_counter(const struct target *t, const struct my_alter *alter, struct plan *plan)
{
    if (!alter->sets_counter || alter->counter >= t->source.auto_increment)
        return;
    char *text = mem_printf("AUTO_INCREMENT is not lowered: the next number stays what it is when the tables are "
                            "swapped, at least %" PRIu64,
                            t->source.auto_increment);
    if (plan)
        strlist_addf(&plan->notes, "%s", text);
    else
        log_warn("%s", text);
    mem_free(text);
}

static enum sc_result run_alter(struct target *t, const struct my_alter *alter, struct plan *plan, struct sc_error *err)
{
    struct my_table clone;
    enum sc_result result = my_table_load(t->control, t->schema, t->ghost_name, &clone, err);
    if (result != SC_OK)
        return result;
    struct my_renamed *names = arena_array(&clone.arena, (size_t)t->source.nconstraints + 1, sizeof(*names));
    int count = pair_checks(t, &clone, names);
    char *text = my_alter_text(alter, names, count);
    struct buf sql = {0};
    buf_str(&sql, "ALTER TABLE ");
    my_add_ghost(&sql, t);
    buf_printf(&sql, " %s", text);
    /* Nothing is left where all of it is about foreign keys. */
    if (*text)
        result = alter_failed(t, my_run_as_operator(t, buf_cstr(&sql), err), err);
    buf_fini(&sql);
    mem_free(text);
    for (int i = 0; i < count && result == SC_OK && plan; i++)
        if (strcmp(names[i].from, names[i].to) != 0 && strstr(names[i].from, "_chk_") == NULL)
            strlist_addf(&plan->notes,
                         "check constraint %s: its name must be unique in the database while both tables are there, "
                         "so it gets one of the server's (<table>_chk_<n>)",
                         names[i].from);
    if (result == SC_OK)
        tell_counter(t, alter, plan);
    my_table_fini(&clone);
    return result;
}

/* RENAME gives "<ghost>_chk_1" the name "<table>_chk_1" (MySQL). */
static enum sc_result check_names(const struct target *t, struct sc_error *err)
{
    size_t len = strlen(t->ghost_name);
    for (int i = 0; i < t->ghost.nconstraints && t->server.family == MY_MYSQL; i++) {
        const char *name = t->ghost.constraints[i].name;
        if (strncmp(name, t->ghost_name, len) != 0 || strncmp(name + len, "_chk_", 5) != 0 ||
            my_name_characters(t->name) + strlen(name + len) <= NAME_MOST)
            continue;
        error_set(err, SC_REFUSE,
                  "a check constraint of the new table would be called %s%s, which is longer than the %d characters a "
                  "name may have",
                  t->name, name + len, NAME_MOST);
        return error_hint(err, "While both tables are there its name must be unique in the database, so it gets one "
                               "of the server's. Drop the constraint for the time of the migration, or give the table "
                               "a shorter name.");
    }
    return SC_OK;
}

static enum sc_result check_result(struct target *t, struct sc_error *err)
{
    if (strcasecmp(t->ghost.engine, "InnoDB") != 0)
        return error_set(err, SC_REFUSE, "with the ALTER the table's engine is %s; only InnoDB can be followed exactly",
                         t->ghost.engine);
    if (strcmp(t->ghost.type, "BASE TABLE") != 0)
        return error_set(err, SC_REFUSE, "with the ALTER it is no ordinary table any more (%s)", t->ghost.type);
    for (int i = 0; i < t->ghost.nconstraints; i++) {
        if (!t->ghost.constraints[i].foreign)
            continue;
        error_set(err, SC_REFUSE, "the ALTER makes a foreign key out of REFERENCES behind a column");
        return error_hint(err, "Write it as an action of its own: ADD [CONSTRAINT name] FOREIGN KEY (column) "
                               "REFERENCES table (column).");
    }
    return check_names(t, err);
}

/* --- what comes later --------------------------------------------------------------------------------------------- */

/* A column that counts must be the first of some index; one that is unique makes way for one that is not, because
 * until the fence nothing but the key may be unique. */
#define COUNTER_KEY "_seachange_counter"

static const struct my_index *needed_by_counter(const struct target *t)
{
    const struct my_index *found = NULL;
    for (int c = 0; c < t->ghost.ncolumns; c++) {
        if (!t->ghost.columns[c].auto_increment)
            continue;
        for (int i = 0; i < t->ghost.nindexes; i++) {
            const struct my_index *index = &t->ghost.indexes[i];
            if (index->count == 0 || index->columns[0] != c)
                continue;
            if (index->kind == MY_INDEX_PRIMARY || strcmp(index->name, t->key.ghost_index_name) == 0)
                return NULL;
            if (!found || (found->kind == MY_INDEX_UNIQUE && index->kind == MY_INDEX_PLAIN))
                found = index;
        }
    }
    return found;
}

static void capture_alone(struct target *t, const struct my_index *index)
{
    struct buf sql = {0};
    buf_str(&sql, "ALTER TABLE ");
    my_add_ghost(&sql, t);
    buf_printf(&sql, " ADD %s", index->definition);
    char *name = mem_printf("index %s", index->name);
    my_todo_add(t, MY_STAGE_INDEX, name, buf_cstr(&sql));
    mem_free(name);
    buf_fini(&sql);
}

/* Everything but the key comes off; `drops` gets the actions that take it off. */
static void capture_indexes(struct target *t, struct buf *drops)
{
    const struct my_index *needed = needed_by_counter(t);
    struct buf all = {0}, names = {0}, sql = {0};
    const struct my_index **alone = arena_array(&t->arena, (size_t)t->ghost.nindexes + 1, sizeof(*alone));
    int nalone = 0;
    for (int i = 0; i < t->ghost.nindexes; i++) {
        const struct my_index *index = &t->ghost.indexes[i];
        bool stays = index == needed && index->kind != MY_INDEX_UNIQUE;
        if (index->kind == MY_INDEX_PRIMARY || stays || strcmp(index->name, t->key.ghost_index_name) == 0)
            continue;
        buf_str(drops, ", DROP KEY ");
        my_add_ident(drops, index->name);
        if (index == needed) {
            buf_str(drops, ", ADD KEY " COUNTER_KEY " (");
            my_add_ident(drops, t->ghost.columns[index->columns[0]].name);
            buf_char(drops, ')');
        }
        if (index->kind == MY_INDEX_OTHER) {
            alone[nalone++] = index;
            continue;
        }
        buf_printf(&all, "%s ADD %s", all.len ? "," : "", index->definition);
        buf_printf(&names, "%s%s", names.len ? ", " : "", index->name);
    }
    if (needed && needed->kind == MY_INDEX_UNIQUE)
        buf_str(&all, ", DROP KEY " COUNTER_KEY);
    if (all.len > 0) {
        buf_str(&sql, "ALTER TABLE ");
        my_add_ghost(&sql, t);
        buf_str(&sql, buf_cstr(&all));
        char *name = mem_printf("%s %s", strchr(buf_cstr(&names), ',') ? "indexes" : "index", buf_cstr(&names));
        my_todo_add(t, MY_STAGE_INDEX, name, buf_cstr(&sql));
        mem_free(name);
    }
    for (int i = 0; i < nalone; i++)
        capture_alone(t, alone[i]);
    buf_fini(&all);
    buf_fini(&names);
    buf_fini(&sql);
}

static bool is_filled(const struct target *t, const struct my_column *column)
{
    for (int i = 0; i < t->map.ncolumns; i++)
        if (strcmp(t->map.columns[i].ghost_column, column->name) == 0)
            return true;
    return false;
}

/* A column that the ALTER adds as NOT NULL without a default is filled for the rows that are there with what the server
 * takes for none. The ghost's rows are inserted, and an INSERT has to name such a column: so it gets that value as its
 * default until the tables are swapped. */
static enum sc_result lend_defaults(struct target *t, struct buf *actions, struct sc_error *err)
{
    for (int i = 0; i < t->ghost.ncolumns; i++) {
        const struct my_column *c = &t->ghost.columns[i];
        if (c->generated || c->auto_increment || !c->not_null || is_filled(t, c) ||
            strcasestr(c->definition, " DEFAULT "))
            continue;
        const char *value = my_implicit_default(t, c);
        if (!value) {
            error_set(err, SC_REFUSE, "the ALTER adds column %s NOT NULL without a default", c->name);
            return error_hint(err, "Give it a DEFAULT: there is no value that the rows of the table could have in it.");
        }
        struct buf sql = {0};
        buf_str(actions, ", ALTER COLUMN ");
        my_add_ident(actions, c->name);
        buf_printf(actions, " SET DEFAULT %s", value);
        buf_str(&sql, "ALTER TABLE ");
        my_add_source(&sql, t);
        buf_str(&sql, " ALTER COLUMN ");
        my_add_ident(&sql, c->name);
        buf_str(&sql, " DROP DEFAULT");
        char *name = mem_printf("column %s: default that the copy needed", c->name);
        my_todo_add(t, MY_STAGE_POST, name, buf_cstr(&sql));
        mem_free(name);
        buf_fini(&sql);
    }
    return SC_OK;
}

static void capture_end(struct target *t)
{
    struct buf sql = {0};
    buf_str(&sql, "ALTER TABLE ");
    my_add_ghost(&sql, t);
    buf_str(&sql, " COMMENT = ");
    my_add_text(&sql, t->ghost.comment);
    my_todo_add(t, MY_STAGE_AFTER, "the table's comment", buf_cstr(&sql));
    buf_clear(&sql);
    buf_str(&sql, "ANALYZE NO_WRITE_TO_BINLOG TABLE ");
    my_add_ghost(&sql, t);
    my_todo_add(t, MY_STAGE_AFTER, "statistics", buf_cstr(&sql));
    buf_fini(&sql);
}

static void lend_key(struct target *t, struct buf *actions)
{
    if (strcmp(t->key.ghost_index_name, MY_HELPER_KEY) != 0)
        return;
    buf_str(actions, ", ADD UNIQUE KEY " MY_HELPER_KEY " (");
    for (int k = 0; k < t->map.nkey; k++) {
        buf_str(actions, k ? ", " : "");
        my_add_ident(actions, t->map.columns[t->map.key[k]].ghost_column);
    }
    buf_char(actions, ')');
    struct buf sql = {0};
    buf_str(&sql, "ALTER TABLE ");
    my_add_source(&sql, t);
    buf_str(&sql, " DROP KEY " MY_HELPER_KEY);
    my_todo_add(t, MY_STAGE_POST, "index that the copy needed", buf_cstr(&sql));
    buf_fini(&sql);
}

static enum sc_result strip(struct target *t, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "ALTER TABLE ");
    my_add_ghost(&sql, t);
    buf_printf(&sql, " COMMENT = 'seachange migration %s'", t->migration.id);
    capture_indexes(t, &sql);
    enum sc_result result = lend_defaults(t, &sql, err);
    if (result == SC_OK) {
        lend_key(t, &sql);
        capture_end(t);
        result = my_run(t->control, err, buf_cstr(&sql));
    }
    buf_fini(&sql);
    if (result == SC_FAIL) {
        error_wrap(err, "the new table cannot be filled");
        result = err->result = SC_REFUSE;
    }
    return result;
}

enum sc_result my_clone_create(struct target *t, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "CREATE TABLE ");
    my_add_ghost(&sql, t);
    buf_str(&sql, " LIKE ");
    my_add_source(&sql, t);
    enum sc_result result = my_run(t->control, err, buf_cstr(&sql));
    buf_fini(&sql);
    if (result == SC_FAIL) {
        unsigned error = my_errno(t->control);
        error_wrap(err, "cannot make the new table");
        if (error == 1142 || error == 1044 || error == 1227) {
            error_hint(err,
                       "The account %s needs CREATE, ALTER, DROP, INDEX, INSERT, UPDATE, DELETE and SELECT on "
                       "database %s.",
                       t->server.user, t->schema);
            result = err->result = SC_REFUSE;
        }
    }
    return result;
}

static enum sc_result make(struct target *t, struct my_alter *alter, struct plan *plan, struct sc_error *err)
{
    struct my_foreigns keys = {0};
    enum sc_result result = my_foreign_learn(t, alter, &keys, err);
    if (result == SC_OK)
        result = my_clone_create(t, err);
    if (result == SC_OK)
        result = run_alter(t, alter, plan, err);
    my_table_fini(&t->ghost);
    if (result == SC_OK)
        result = my_table_load(t->control, t->schema, t->ghost_name, &t->ghost, err);
    if (result == SC_OK)
        result = check_result(t, err);
    if (result == SC_OK)
        result = my_foreign_try(t, &keys, err);
    if (result == SC_OK)
        result = my_map_make(t, alter, err);
    if (result == SC_OK) {
        my_foreign_capture_swap(t, &keys);
        result = strip(t, err);
        my_foreign_capture_rows(t, &keys);
    }
    if (result == SC_OK)
        result = my_histograms_capture(t, err);
    if (result == SC_OK)
        result = my_triggers_capture(t, plan, err);
    return result;
}

enum sc_result my_ghost_make(struct target *t, struct plan *plan, struct sc_error *err)
{
    struct my_alter alter;
    t->ntodo = 0;
    t->key.index_name = t->key.ghost_index_name = NULL;
    enum sc_result result = my_alter_of(t, &alter, err);
    if (result == SC_OK)
        result = make(t, &alter, plan, err);
    my_alter_fini(&alter);
    return result;
}
