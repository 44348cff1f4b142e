/* What the account may see. Almost everything that it may do is tried (plan.c); but whether it sees the table's
 * triggers cannot be tried everywhere: without the privilege they are left out without a word. */
#include <string.h>
#include <strings.h>

#include "applier/mysql/names.h"
#include "applier/mysql/ops.h"

/* `db`.* or `db`.`table` behind ON; a database's name is a pattern there (manual, GRANT). */
static enum sc_result covers(struct target *t, const char *on, bool *is, struct sc_error *err)
{
    *is = strncmp(on, "*.*", 3) == 0;
    if (*is || *on != '`')
        return SC_OK;
    struct buf name = {0};
    const char *p = on + 1;
    for (; *p && !(*p == '`' && p[1] != '`'); p++) {
        buf_char(&name, *p);
        p += *p == '`';
    }
    char *schema = my_literal(t->schema), *pattern = my_literal(buf_cstr(&name)), *like = NULL,
         *table = my_ident(t->name);
    bool whole = strncmp(p, "`.*", 3) == 0;
    bool ours = whole || (strncmp(p, "`.", 2) == 0 && strncmp(p + 2, table, strlen(table)) == 0);
    enum sc_result result = SC_OK;
    if (ours)
        result = my_valuef(t->control, err, &like, "SELECT 1 FROM DUAL WHERE %s %s %s", schema, whole ? "LIKE" : "=",
                           pattern);
    *is = like != NULL;
    mem_free(schema);
    mem_free(pattern);
    mem_free(table);
    mem_free(like);
    buf_fini(&name);
    return result;
}

static enum sc_result line_grants(struct target *t, const char *line, const char *privilege, bool everywhere, bool *is,
                                  struct sc_error *err)
{
    const char *on = strstr(line, " ON ");
    *is = false;
    if (strncmp(line, "GRANT ", 6) != 0 || !on)
        return SC_OK;
    char *what = mem_strndup(line, (size_t)(on - line));
    bool has = strstr(what, privilege) || strstr(what, "ALL PRIVILEGES");
    mem_free(what);
    *is = has && strncmp(on + 4, "*.*", 3) == 0;
    return has && !everywhere ? covers(t, on + 4, is, err) : SC_OK;
}

static enum sc_result granted(struct target *t, const char *privilege, bool everywhere, bool *is, struct sc_error *err)
{
    /* Without FOR the roles that are active are counted, too. */
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(t->control, err, &res, "SHOW GRANTS");
    *is = false;
    for (MYSQL_ROW row; result == SC_OK && !*is && (row = mysql_fetch_row(res)) != NULL;)
        result = line_grants(t, row[0], privilege, everywhere, is, err);
    mysql_free_result(res);
    return result;
}

enum sc_result my_granted(struct target *t, const char *privilege, bool *is, struct sc_error *err)
{
    return granted(t, privilege, false, is, err);
}

enum sc_result my_granted_everywhere(struct target *t, const char *privilege, bool *is, struct sc_error *err)
{
    return granted(t, privilege, true, is, err);
}
