/* What is stored and what is there: every migration with its objects, and objects that no stored migration explains, in
 * all databases that the account may see. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/mysql/names.h"
#include "applier/mysql/ops.h"
#include "base/human.h"

static struct listed *add(struct listed **list, size_t *count)
{
    *list = mem_resize(*list, (*count + 1) * sizeof(**list));
    struct listed *l = &(*list)[(*count)++];
    *l = (struct listed){0};
    return l;
}

static enum sc_result running(struct target *t, const char *schema, const char *table, bool *is, struct sc_error *err)
{
    char *lock = my_lock_name("table", schema, table), *holder = NULL;
    enum sc_result result = my_valuef(t->control, err, &holder, "SELECT IS_USED_LOCK('%s')", lock);
    *is = holder != NULL;
    mem_free(lock);
    mem_free(holder);
    return result;
}

static enum sc_result exists(struct target *t, const char *schema, const char *name, bool *is, struct sc_error *err)
{
    char *s = my_literal(schema), *n = my_literal(name), *one = NULL;
    enum sc_result result =
        my_valuef(t->control, err, &one,
                  "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s", s, n);
    *is = one != NULL;
    mem_free(s);
    mem_free(n);
    mem_free(one);
    return result;
}

static enum sc_result describe(struct target *t, const char *schema, MYSQL_RES *res, MYSQL_ROW row, struct listed *l,
                               struct sc_error *err)
{
    const char *table = my_column_text(res, row, "table_name");
    bool runs = false, there = false, old = false, ghost = false;
    char *why = NULL;
    l->id = mem_strdup(my_column_text(res, row, "id"));
    l->table = my_shown_name(schema, table);
    l->phase = mem_strdup(my_column_text(res, row, "phase"));
    l->alter = mem_strdup(my_column_text(res, row, "alter_text"));
    l->started = mem_printf("%s+00", my_column_text(res, row, "started_at"));
    l->updated = mem_printf("%s+00", my_column_text(res, row, "updated_at"));
    l->owner = mem_strdup(my_column_text(res, row, "started_by"));
    enum sc_result result = running(t, schema, table, &runs, err);
    if (result == SC_OK)
        result = exists(t, schema, table, &there, err);
    if (result == SC_OK)
        result = exists(t, schema, my_column_text(res, row, "old_name"), &old, err);
    if (result == SC_OK)
        result = exists(t, schema, my_column_text(res, row, "ghost_name"), &ghost, err);
    if (result == SC_OK && there && !runs)
        result = my_cannot_go_on(t, schema, res, row, ghost, &why, err);
    bool done = strcmp(l->phase, "done") == 0;
    if (runs && !done)
        l->note =
            mem_printf("running: pid %s on %s", my_column_text(res, row, "pid"), my_column_text(res, row, "host"));
    else if (done && old)
        l->note = mem_strdup("done; the old table is kept until it is dropped");
    else if (done)
        l->note = mem_printf("done, and the old table is dropped: `seachange abort %s` forgets it", l->id);
    else if (!there && strcmp(l->phase, "cleanup") != 0)
        l->note =
            mem_printf("not running, and its table was dropped: `seachange abort %s` removes what is left", l->id);
    else if (why)
        l->note =
            mem_printf("not running, and %s, so it cannot go on: `seachange migrate` would stop; `seachange abort "
                       "%s` removes it, then start again",
                       why, l->id);
    else
        l->note = mem_printf(
            "not running: `seachange migrate` with the same --alter goes on, `seachange abort %s` removes it", l->id);
    mem_free(why);
    return result;
}

static enum sc_result add_schema(struct target *t, const char *schema, struct listed **list, size_t *count,
                                 struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result = my_state_rows_in(t, schema, "TRUE ORDER BY started_at, id", &res, err);
    for (MYSQL_ROW row; result == SC_OK && res && (row = mysql_fetch_row(res)) != NULL;)
        result = describe(t, schema, res, row, add(list, count), err);
    mysql_free_result(res);
    return result;
}

static enum sc_result add_migrations(struct target *t, struct listed **list, size_t *count, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(t->control, err, &res,
                                     "SELECT TABLE_SCHEMA FROM information_schema.TABLES WHERE TABLE_NAME = "
                                     "'_seachange_migration' ORDER BY 1");
    for (MYSQL_ROW row; result == SC_OK && (row = mysql_fetch_row(res)) != NULL;)
        result = add_schema(t, row[0], list, count, err);
    mysql_free_result(res);
    return result;
}

static struct listed *of_id(struct listed **list, size_t *count, const char *id)
{
    for (size_t k = 0; k < *count; k++)
        if (strcmp((*list)[k].id, id) == 0)
            return &(*list)[k];
    struct listed *l = add(list, count);
    l->id = mem_strdup(id);
    l->phase = mem_strdup("orphan");
    l->note =
        mem_printf("no stored migration explains these: `seachange abort %s` removes what is seachange's; a table "
                   "...%s%s is the one from before a migration and is kept: drop it yourself when nobody needs "
                   "it",
                   id, MY_OLD_SUFFIX, id);
    return l;
}

/* One table at a time: MariaDB opens every table whose size a query could want. */
static enum sc_result size_of(struct target *t, const char *schema, const char *name, uint64_t *bytes,
                              struct sc_error *err)
{
    char *s = my_literal(schema), *n = my_literal(name), *value = NULL;
    enum sc_result result = my_valuef(t->control, err, &value,
                                      "SELECT DATA_LENGTH + INDEX_LENGTH FROM information_schema.TABLES WHERE "
                                      "TABLE_SCHEMA = %s AND TABLE_NAME = %s",
                                      s, n);
    *bytes = value ? strtoull(value, NULL, 10) : 0;
    mem_free(s);
    mem_free(n);
    mem_free(value);
    return result;
}

static enum sc_result add_objects(struct target *t, struct listed **list, size_t *count, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(
        t->control, err, &res,
        "SELECT RIGHT(TABLE_NAME, 8), TABLE_SCHEMA, TABLE_NAME FROM "
        "information_schema.TABLES WHERE TABLE_NAME REGEXP '_seachange_(new|old)_[0-9a-f]{8}$' ORDER BY 1, 2, 3");
    for (MYSQL_ROW row; result == SC_OK && (row = mysql_fetch_row(res)) != NULL;) {
        struct listed *l = of_id(list, count, row[0]);
        uint64_t bytes = 0;
        result = size_of(t, row[1], row[2], &bytes, err);
        struct buf b = {0};
        char *name = my_shown_name(row[1], row[2]);
        buf_printf(&b, "table %s (", name);
        human_bytes(&b, bytes);
        buf_char(&b, ')');
        strlist_add(&l->objects, buf_cstr(&b));
        mem_free(name);
        buf_fini(&b);
    }
    mysql_free_result(res);
    return result;
}

enum sc_result my_list(struct target *t, struct listed **out, size_t *count, struct sc_error *err)
{
    *out = NULL;
    *count = 0;
    enum sc_result result = add_migrations(t, out, count, err);
    if (result == SC_OK)
        result = add_objects(t, out, count, err);
    if (result != SC_OK) {
        listed_free(*out, *count);
        *out = NULL;
        *count = 0;
    }
    return result;
}
