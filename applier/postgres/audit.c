/* What the audit has to know of the source's columns: the types that lie under domains, the members of enums. */
#include <stdlib.h>
#include <string.h>

#include "applier/postgres/ops.h"
#include "cdc/audit/postgres/types.h"
#include "cdc/audit/source.h"

/* Members of an enum, one each. */
static enum sc_result load_members(struct pg_conn *conn, const char *type, struct pg_audit_type *out,
                                   struct arena *arena, struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = pg_query(
        conn, err, &res, "SELECT enumlabel FROM pg_catalog.pg_enum WHERE enumtypid = $1 ORDER BY enumsortorder", 1,
        (const char *const[]){type});
    if (result != SC_OK)
        return result;
    out->nmembers = (size_t)PQntuples(res);
    const char **members = arena_array(arena, out->nmembers + 1, sizeof(*members));
    for (size_t i = 0; i < out->nmembers; i++)
        members[i] = arena_strdup(arena, PQgetvalue(res, (int)i, 0));
    out->members = members;
    PQclear(res);
    return SC_OK;
}

/* A true array is subscripted as one (pg_type.typsubscript); name, point and the like are not. */
static const char types_query[] =
    "WITH RECURSIVE base (attnum, type, modifier) AS ("
    " SELECT attnum, atttypid, atttypmod FROM pg_catalog.pg_attribute"
    " WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped"
    " UNION ALL"
    " SELECT b.attnum, t.typbasetype, t.typtypmod FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type"
    " WHERE t.typtype = 'd')"
    " SELECT b.attnum, b.type, b.modifier, t.typtype = 'e',"
    " CASE WHEN t.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc THEN t.typelem ELSE 0 END,"
    " COALESCE(e.typtype = 'e', false)"
    " FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem"
    " WHERE t.typtype <> 'd' ORDER BY b.attnum";

static uint32_t oid_at(const PGresult *res, int row, int column)
{
    return (uint32_t)strtoul(PQgetvalue(res, row, column), NULL, 10);
}

static bool is_true(const PGresult *res, int row, int column)
{
    return PQgetvalue(res, row, column)[0] == 't';
}

/* The row of the column, or -1: it came since the table was read, and the migration notices that by itself. */
static int row_of(const PGresult *res, int attnum)
{
    for (int i = 0; i < PQntuples(res); i++)
        if (strtol(PQgetvalue(res, i, 0), NULL, 10) == attnum)
            return i;
    return -1;
}

static enum sc_result describe(struct session *s, const PGresult *res, const struct pg_column *from,
                               const struct audit_options *options, struct arena *arena, struct audit_column *to,
                               struct sc_error *err)
{
    int row = row_of(res, from->attnum);
    if (row < 0)
        return error_set(err, SC_FAIL, "column %s of table %s is gone", from->name, s->target->source.name);
    struct pg_audit_type type = {.type = oid_at(res, row, 1),
                                 .modifier = (int32_t)strtol(PQgetvalue(res, row, 2), NULL, 10),
                                 .is_enum = is_true(res, row, 3),
                                 .element = oid_at(res, row, 4),
                                 .element_is_enum = is_true(res, row, 5)};
    enum sc_result result = SC_OK;
    if (type.is_enum || (type.element && type.element_is_enum)) {
        char oid[24];
        snprintf(oid, sizeof(oid), "%u", type.is_enum ? type.type : type.element);
        result = load_members(s->conn, oid, &type, arena, err);
    }
    if (result == SC_OK)
        pg_audit_type(&type, options->decimals, arena, &to->type);
    return result;
}

/* Behind the swap a resumed migration has not looked at its old table. What the log has of it still bears its name. */
static enum sc_result load_put_aside(struct target *t, struct sc_error *err)
{
    const char *schema = t->source.schema, *name = t->source.name;
    struct pg_table loaded = {0};
    enum sc_result result = pg_table_load(t->control, t->source.oid, &loaded, err);
    if (result != SC_OK)
        return result;
    t->source = loaded;
    t->source.schema = schema;
    t->source.name = name;
    return pg_key_load(t, t->key.index, err);
}

enum sc_result pg_audit_describe(struct session *s, const struct audit_options *options, struct arena *arena,
                                 struct audit_table *out, struct sc_error *err)
{
    struct target *t = s->target;
    if (!t->source.ncolumns) {
        enum sc_result loaded = load_put_aside(t, err);
        if (loaded != SC_OK)
            return loaded;
    }
    char oid[24];
    snprintf(oid, sizeof(oid), "%u", t->source.oid);
    PGresult *res = NULL;
    enum sc_result result = pg_query(s->conn, err, &res, types_query, 1, (const char *const[]){oid});
    if (result != SC_OK)
        return result;
    *out = (struct audit_table){.prefix = arena_strdup(arena, options->prefix),
                                .catalog = arena_strdup(arena, PQdb(s->conn->pg)),
                                .schema = arena_strdup(arena, t->source.schema),
                                .name = arena_strdup(arena, t->source.name),
                                .ncolumns = (size_t)t->nlogged,
                                .source = pg_audit_engine.source,
                                .with_schema = options->with_schema,
                                .values_are_text = true,
                                .identity = t->source.replica_identity};
    out->columns = arena_array(arena, out->ncolumns, sizeof(*out->columns));
    /* An image that is not whole has nothing in the columns it lacks. */
    bool whole = t->source.replica_identity == 'f';
    for (int i = 0; i < t->nlogged && result == SC_OK; i++) {
        const struct pg_column *c = &t->source.columns[t->logged[i]];
        out->columns[i].name = arena_strdup(arena, c->name);
        out->columns[i].optional = !whole || !c->not_null;
        out->columns[i].number = c->attnum;
        out->columns[i].log_type = c->type_oid;
        out->columns[i].log_modifier = c->type_modifier;
        result = describe(s, res, c, options, arena, &out->columns[i], err);
    }
    PQclear(res);
    for (int k = 0; k < t->key.count; k++) {
        out->columns[t->logged_key[k]].key = k + 1;
        out->columns[t->logged_key[k]].optional = false;
    }
    return result;
}
