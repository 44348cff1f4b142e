/* Foreign keys. Those out of the table are foreign.c's. One into the table would go on pointing to the old one. */
#include "applier/mysql/dependents.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "applier/mysql/foreign.h"
#include "applier/mysql/names.h"
#include "applier/mysql/state.h"

const char *my_log_status_sql(const struct target *t)
{
    return t->server.family == MY_MYSQL && t->server.version >= 80200 ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS";
}

static bool is_plain(const char *name)
{
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && *name != '_')
            return false;
    return true;
}

/* What information_schema leaves out because the account has no privilege on the child, InnoDB's own tables tell. */
static enum sc_result hidden_children(struct target *t, struct plan *plan, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    const char *table = t->server.family == MY_MYSQL ? "INNODB_FOREIGN" : "INNODB_SYS_FOREIGN";
    struct sc_error denied;
    if (!is_plain(t->schema) || !is_plain(t->name))
        return SC_OK;
    enum sc_result result = my_queryf(t->control, &denied, &res,
                                      "SELECT FOR_NAME, ID FROM information_schema.%s WHERE LOWER(REF_NAME) = "
                                      "LOWER('%s/%s') AND LOWER(FOR_NAME) <> LOWER('%s/%s')",
                                      table, t->schema, t->name, t->schema, t->name);
    if (result == SC_FAIL) {
        strlist_addf(&plan->warnings,
                     "the account %s may not see all foreign keys (it lacks PROCESS): make sure that no table it "
                     "cannot see refers to this one",
                     t->server.user);
        return SC_OK;
    }
    if (result != SC_OK) {
        *err = denied;
        return result;
    }
    for (MYSQL_ROW row; (row = mysql_fetch_row(res)) != NULL;)
        strlist_addf(&plan->refusals,
                     "table %s refers to it (foreign key %s), and would go on referring to the old table. Drop that "
                     "foreign key for the time of the migration.",
                     row[0], row[1]);
    mysql_free_result(res);
    return SC_OK;
}

static enum sc_result incoming(struct target *t, struct plan *plan, struct sc_error *err)
{
    char *s = my_literal(t->schema), *n = my_literal(t->name);
    MYSQL_RES *res = NULL;
    size_t before = plan->refusals.count;
    enum sc_result result =
        my_queryf(t->control, err, &res,
                  "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME FROM "
                  "information_schema.REFERENTIAL_CONSTRAINTS WHERE UNIQUE_CONSTRAINT_SCHEMA = %s AND "
                  "REFERENCED_TABLE_NAME = %s AND NOT (CONSTRAINT_SCHEMA = %s AND TABLE_NAME = %s)",
                  s, n, s, n);
    for (MYSQL_ROW row; result == SC_OK && (row = mysql_fetch_row(res)) != NULL;)
        strlist_addf(&plan->refusals,
                     "table %s.%s refers to it (foreign key %s), and would go on referring to the old table. Drop that "
                     "foreign key for the time of the migration.",
                     row[0], row[1], row[2]);
    mysql_free_result(res);
    mem_free(s);
    mem_free(n);
    if (result == SC_OK && plan->refusals.count == before)
        result = hidden_children(t, plan, err);
    return result;
}

enum sc_result my_dependents_check(struct target *t, struct plan *plan, struct sc_error *err)
{
    enum sc_result result = my_foreign_check(t, plan, err);
    return result == SC_OK ? incoming(t, plan, err) : result;
}
