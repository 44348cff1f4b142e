#include "applier/postgres/mapping.h"

#include <stdio.h>
#include <string.h>

void pg_add_source(struct buf *b, const struct target *t)
{
    pg_add_qualified(b, t->source.schema, t->source.name);
}

void pg_add_ghost(struct buf *b, const struct target *t)
{
    pg_add_qualified(b, t->ghost_schema, t->ghost_name ? t->ghost_name : t->source.name);
}

void pg_add_ghost_columns(struct buf *b, const struct target *t)
{
    for (int i = 0; i < t->map.ncolumns; i++) {
        if (i)
            buf_str(b, ", ");
        pg_add_ident(b, t->map.columns[i].ghost_column);
    }
}

void pg_add_expressions(struct buf *b, const struct target *t)
{
    for (int i = 0; i < t->map.ncolumns; i++) {
        if (i)
            buf_str(b, ", ");
        buf_str(b, t->map.columns[i].expression);
    }
}

void pg_add_insert(struct buf *b, const struct target *t)
{
    buf_str(b, "INSERT INTO ");
    pg_add_ghost(b, t);
    buf_str(b, " (");
    pg_add_ghost_columns(b, t);
    buf_str(b, ") OVERRIDING SYSTEM VALUE SELECT ");
    pg_add_expressions(b, t);
    buf_str(b, " FROM ");
}

void pg_add_key(struct buf *b, const struct target *t, const char *prefix)
{
    for (int k = 0; k < t->key.count; k++) {
        if (k)
            buf_str(b, ", ");
        if (prefix)
            buf_str(b, prefix);
        pg_add_ident(b, t->source.columns[t->key.columns[k]].name);
    }
}

void pg_add_ghost_key(struct buf *b, const struct target *t)
{
    for (int k = 0; k < t->map.nkey; k++) {
        if (k)
            buf_str(b, ", ");
        pg_add_ident(b, t->map.columns[t->map.key[k]].ghost_column);
    }
}

void pg_add_key_expression(struct buf *b, const struct target *t, int k)
{
    const struct pg_mapped *m = &t->map.columns[t->map.key[k]];
    buf_printf(b, "CAST(%s AS %s)%s", m->expression, t->ghost_key_types[k], t->ghost_key_collations[k]);
}

void pg_add_upsert(struct buf *b, const struct target *t)
{
    buf_str(b, " ON CONFLICT (");
    pg_add_ghost_key(b, t);
    buf_str(b, ") DO ");
    /* The key, too: equal for the server need not be the same (numeric 1.0 and 1.00, collations without case). */
    const char *glue = "UPDATE SET ";
    for (int i = 0; i < t->map.ncolumns; i++) {
        buf_str(b, glue);
        pg_add_ident(b, t->map.columns[i].ghost_column);
        buf_str(b, " = EXCLUDED.");
        pg_add_ident(b, t->map.columns[i].ghost_column);
        glue = ", ";
    }
}

enum sc_result pg_ghost_key_types(struct target *t, struct pg_conn *conn, struct sc_error *err)
{
    struct buf sql = {0};
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", t->ghost_oid);
    t->ghost_key_types = arena_array(&t->arena, (size_t)t->map.nkey, sizeof(char *));
    t->ghost_key_collations = arena_array(&t->arena, (size_t)t->map.nkey, sizeof(char *));
    enum sc_result result = SC_OK;
    for (int k = 0; k < t->map.nkey && result == SC_OK; k++) {
        char *type = NULL, *collation = NULL;
        /* An explicit cast to varchar(n), char(n) or bit(n) would cut a value that an assignment refuses, so that two
         * keys could look the same: those are compared without their length. All other types' modifiers round in both
         * kinds of cast alike. */
        result = pg_value(
            conn, err, &type,
            "SELECT pg_catalog.format_type(atttypid, CASE WHEN atttypid IN (1042, 1043, 1560, 1562) THEN NULL"
            " ELSE atttypmod END) FROM pg_catalog.pg_attribute WHERE attrelid = $1::pg_catalog.oid AND attname = $2",
            2, (const char *[]){oid, t->map.columns[t->map.key[k]].ghost_column});
        if (result == SC_OK)
            result = pg_value(
                conn, err, &collation,
                "SELECT pg_catalog.format(' COLLATE %I.%I', n.nspname, c.collname) FROM pg_catalog.pg_attribute a JOIN "
                "pg_catalog.pg_collation c ON c.oid = a.attcollation JOIN pg_catalog.pg_namespace n ON n.oid = "
                "c.collnamespace WHERE a.attrelid = $1::pg_catalog.oid AND a.attname = $2",
                2, (const char *[]){oid, t->map.columns[t->map.key[k]].ghost_column});
        t->ghost_key_collations[k] = arena_strdup(&t->arena, collation ? collation : "");
        mem_free(collation);
        if (result == SC_OK && !type)
            result = error_set(err, SC_FAIL, "the ghost table has lost its key column %s",
                               t->map.columns[t->map.key[k]].ghost_column);
        else if (result == SC_OK)
            /* format_type() without a modifier writes character as "character", which SQL reads as character(1). */
            t->ghost_key_types[k] = arena_strdup(&t->arena, strcmp(type, "character") == 0 ? "pg_catalog.bpchar"
                                                            : strcmp(type, "bit") == 0     ? "pg_catalog.\"bit\""
                                                                                           : type);
        mem_free(type);
    }
    buf_fini(&sql);
    return result;
}
