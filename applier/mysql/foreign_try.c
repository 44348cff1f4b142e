/* Would the new table take its foreign keys? A key that does not fit must show before anything is copied. But adding
 * one locks the table it refers to for a moment against everybody, and on the ghost there must be none: so it is tried
 * with clones of both. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "applier/mysql/foreign.h"
#include "applier/mysql/ghost.h"
#include "applier/mysql/names.h"
#include "applier/mysql/ops.h"

#define CHILD "_child" MY_NEW_SUFFIX
#define PARENT "_parent" MY_NEW_SUFFIX

struct clones {
    char *child, *parent;
};

static struct clones clones_of(const struct target *t)
{
    return (struct clones){mem_printf(CHILD "%s", t->migration.id), mem_printf(PARENT "%s", t->migration.id)};
}

static void clones_fini(struct clones *c)
{
    mem_free(c->child);
    mem_free(c->parent);
}

bool my_foreign_is_clone(const struct target *t, const char *table)
{
    struct clones c = clones_of(t);
    bool is = strcmp(table, c.child) == 0 || strcmp(table, c.parent) == 0;
    clones_fini(&c);
    return is;
}

static enum sc_result drop(struct target *t, const char *name, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "DROP TABLE IF EXISTS ");
    my_add_qualified(&sql, t->schema, name);
    enum sc_result result = my_run(t->control, err, buf_cstr(&sql));
    buf_fini(&sql);
    return result;
}

/* The child first: the parent cannot go before it. */
enum sc_result my_foreign_remove_clones(struct target *t, struct sc_error *err)
{
    struct clones c = clones_of(t);
    char *s = my_literal(t->schema), *child = my_literal(c.child), *parent = my_literal(c.parent), *any = NULL;
    enum sc_result result =
        my_valuef(t->control, err, &any,
                  "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME IN (%s, %s) LIMIT 1",
                  s, child, parent);
    if (result == SC_OK && any)
        result = drop(t, c.child, err);
    if (result == SC_OK && any)
        result = drop(t, c.parent, err);
    mem_free(s);
    mem_free(child);
    mem_free(parent);
    mem_free(any);
    clones_fini(&c);
    return result;
}

static enum sc_result clone_of(struct target *t, const char *name, const char *schema, const char *table,
                               struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "CREATE TABLE ");
    my_add_qualified(&sql, t->schema, name);
    buf_str(&sql, " LIKE ");
    my_add_qualified(&sql, schema, table);
    enum sc_result result = my_run(t->control, err, buf_cstr(&sql));
    buf_fini(&sql);
    return result;
}

/* --- the index that a key needs ----------------------------------------------------------------------------------- */

/* Does an index begin with these columns, in this order? */
static const struct my_index *index_for(const struct my_table *table, const struct my_foreign *key)
{
    for (int i = 0; i < table->nindexes; i++) {
        const struct my_index *index = &table->indexes[i];
        bool fits = index->kind != MY_INDEX_OTHER && index->count >= key->ncolumns;
        for (int k = 0; k < key->ncolumns && fits; k++) {
            fits = index->columns[k] >= 0 && strcasecmp(table->columns[index->columns[k]].name, key->columns[k]) == 0;
            /* "`a`(10)": a prefix is not enough. */
            struct buf part = {0};
            my_add_ident(&part, key->columns[k]);
            buf_char(&part, '(');
            fits = fits && !strstr(index->definition, buf_cstr(&part));
            buf_fini(&part);
        }
        if (fits)
            return index;
    }
    return NULL;
}

/* Adding a key makes one where there is none: now, when it costs nothing. */
static enum sc_result make_index(struct target *t, const struct my_foreign *key, const char *tried,
                                 const struct my_table *child, struct sc_error *err)
{
    const struct my_index *index = index_for(child, key);
    if (!index)
        return error_set(err, SC_FAIL, "the server made no index for foreign key %s", key->name);
    const char *name = strcasecmp(index->name, tried) == 0 ? key->name : index->name;
    const char *parts = strrchr(index->definition, '(');
    struct buf sql = {0};
    buf_str(&sql, "ALTER TABLE ");
    my_add_ghost(&sql, t);
    buf_str(&sql, " ADD KEY ");
    my_add_ident(&sql, name);
    buf_printf(&sql, " %s", parts ? parts : "");
    enum sc_result result = my_run(t->control, err, buf_cstr(&sql));
    buf_fini(&sql);
    my_table_fini(&t->ghost);
    return result == SC_OK ? my_table_load(t->control, t->schema, t->ghost_name, &t->ghost, err) : result;
}

/* --- trying ------------------------------------------------------------------------------------------------------- */

/* Not its own name: that is the source's key's. The index's name shows whether it was given. */
static enum sc_result put_on(struct target *t, const struct clones *c, const struct my_foreign *key, const char *name,
                             struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "ALTER TABLE ");
    my_add_qualified(&sql, t->schema, c->child);
    buf_char(&sql, ' ');
    my_add_foreign(&sql, key, name, t->schema, c->parent);
    enum sc_result result = my_run(t->control, err, buf_cstr(&sql));
    buf_fini(&sql);
    return result;
}

static enum sc_result refuse(const struct my_foreign *key, enum sc_result result, struct sc_error *err)
{
    if (result != SC_FAIL)
        return result;
    error_wrap(err, "foreign key %s cannot be put on the new table", key->name);
    err->result = SC_REFUSE;
    return SC_REFUSE;
}

static enum sc_result try_one(struct target *t, const struct clones *c, const struct my_foreign *key, int number,
                              struct sc_error *err)
{
    if (!key->added && !index_for(&t->ghost, key)) {
        error_set(err, SC_REFUSE, "the ALTER leaves foreign key %s without an index", key->name);
        return error_hint(err, "It needs one that begins with its columns; drop the foreign key with it, or keep it.");
    }
    char *name = mem_printf("_seachange_%s_%d", t->migration.id, number);
    enum sc_result result = my_foreign_remove_clones(t, err);
    my_foreign_allow(t, t->control, !key->added);
    if (result == SC_OK)
        result = refuse(key, clone_of(t, c->parent, key->schema, key->table, err), err);
    if (result == SC_OK)
        result = clone_of(t, c->child, t->schema, t->ghost_name, err);
    if (result == SC_OK)
        result = refuse(key, put_on(t, c, key, key->unnamed ? NULL : name, err), err);
    if (result == SC_OK && !index_for(&t->ghost, key)) {
        struct my_table child;
        result = my_table_load(t->control, t->schema, c->child, &child, err);
        if (result == SC_OK) {
            result = make_index(t, key, name, &child, err);
            my_table_fini(&child);
        }
    }
    mem_free(name);
    return result;
}

enum sc_result my_foreign_try(struct target *t, struct my_foreigns *keys, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    struct sc_error again;
    struct clones c = clones_of(t);
    for (int i = 0; i < keys->count && result == SC_OK; i++)
        result = try_one(t, &c, &keys->all[i], i, err);
    if (keys->count > 0 && my_alive(t->control) && my_foreign_remove_clones(t, &again) != SC_OK && result == SC_OK) {
        *err = again;
        result = again.result;
    }
    clones_fini(&c);
    return result;
}
