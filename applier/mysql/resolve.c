/* From the name that the operator wrote to the table that the server knows by it. */
#include <string.h>

#include "applier/mysql/names.h"
#include "applier/mysql/state.h"

/* Names that differ only in their case are the same table where the server says so. *found_schema and *found are
 * malloc'd. */
static enum sc_result find_table(struct target *t, const char *schema, const char *name, char **found_schema,
                                 char **found, struct sc_error *err)
{
    char *s = my_literal(schema), *n = my_literal(name);
    MYSQL_RES *res = NULL;
    enum sc_result result =
        my_queryf(t->control, err, &res,
                  "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND "
                  "TABLE_NAME = %s ORDER BY BINARY TABLE_NAME = BINARY %s DESC",
                  s, n, n);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    if (row && (t->server.lower_case_table_names != 0 || strcmp(row[1], name) == 0)) {
        *found_schema = mem_strdup(row[0]);
        *found = mem_strdup(row[1]);
    } else if (result == SC_OK) {
        result = error_set(err, SC_REFUSE, "there is no table %s in database %s", name, schema);
    }
    mysql_free_result(res);
    mem_free(s);
    mem_free(n);
    return result;
}

enum sc_result my_resolve_name(struct target *t, const char *option, const char *text, char **found_schema,
                               char **found, struct sc_error *err)
{
    char *schema, *name;
    *found_schema = *found = NULL;
    if (!my_parse_table(text, t->server.sql_mode && strstr(t->server.sql_mode, "ANSI_QUOTES"), &schema, &name))
        return error_set(err, SC_REFUSE, "--%s %s is not the name of a table", option, text);
    enum sc_result result = SC_OK;
    if (!schema && !t->server.database) {
        error_set(err, SC_REFUSE, "--%s %s names no database, and neither does the URL", option, text);
        result = error_hint(err, "Write database.table, or put the database behind the / of the URL.");
    }
    if (result == SC_OK)
        result = find_table(t, schema ? schema : t->server.database, name, found_schema, found, err);
    mem_free(schema);
    mem_free(name);
    return result;
}

enum sc_result my_resolve_table(struct target *t, struct sc_error *err)
{
    if (t->name)
        return SC_OK;
    enum sc_result result = my_resolve_name(t, "table", t->spec.table, &t->schema, &t->name, err);
    if (result == SC_OK) {
        t->lock_name = my_lock_name("table", t->schema, t->name);
        t->migration.table = my_shown_name(t->schema, t->name);
    }
    return result;
}
