/* What the audit has to know of the source's columns. */
#include <string.h>

#include "applier/mysql/ghost.h"
#include "applier/mysql/ops.h"
#include "cdc/audit/mysql/types.h"
#include "cdc/audit/source.h"
#include "cdc/mysql/log_end.h"

/* Behind the swap a resumed migration has not looked at its old table. */
static enum sc_result load_put_aside(struct target *t, struct sc_error *err)
{
    enum sc_result result = my_table_load(t->control, t->schema, t->old_name, &t->source, err);
    return result == SC_OK ? my_key_load(t, err) : result;
}

enum sc_result my_audit_describe(struct session *s, const struct audit_options *options, struct arena *arena,
                                 struct audit_table *out, struct sc_error *err)
{
    struct target *t = s->target;
    bool mariadb = t->server.family == MY_MARIADB;
    if (!t->source.ncolumns) {
        enum sc_result loaded = load_put_aside(t, err);
        if (loaded != SC_OK)
            return loaded;
    }
    *out = (struct audit_table){
        .prefix = arena_strdup(arena, options->prefix),
        .catalog = arena_strdup(arena, t->schema),
        .name = arena_strdup(arena, t->name),
        .ncolumns = (size_t)t->source.ncolumns,
        .source = mariadb ? mariadb_audit_engine.source : mysql_audit_engine.source,
        .with_schema = options->with_schema,
    };
    out->columns = arena_array(arena, out->ncolumns, sizeof(*out->columns));
    enum sc_result result = SC_OK;
    for (int i = 0; i < t->source.ncolumns && result == SC_OK; i++) {
        const struct my_column *c = &t->source.columns[i];
        struct audit_column *to = &out->columns[i];
        to->name = arena_strdup(arena, c->name);
        to->optional = !c->not_null;
        to->left_out =
            c->generated && (!c->stored || my_log_leaves_out_stored(&t->server)); /* the log has none of it */
        result = my_audit_type(&(struct my_audit_type){.type = c->type,
                                                       .charset = c->charset,
                                                       .members = c->members,
                                                       .nmembers = (size_t)c->nmembers,
                                                       .optional = to->optional},
                               options->decimals, arena, &to->type, err);
        if (result != SC_OK)
            error_wrap(err, "column %s of table %s", c->name, t->source.name);
    }
    for (int k = 0; k < t->key.count; k++)
        out->columns[t->key.columns[k]].key = k + 1;
    return result;
}
