/* Histograms that an operator asked for (MySQL; MariaDB keeps its own in tables of statistics that ANALYZE fills): the
 * server's ALTER TABLE leaves those of columns that it does not touch. They are made anew on the ghost when its rows
 * are in, with the same number of buckets. That goes into the log, so that replicas have them, too. */
#include <string.h>
#include <strings.h>

#include "applier/mysql/ghost.h"
#include "applier/mysql/names.h"

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Is it the same column in the ghost, as it was? The server drops the histogram of one that is changed. */
static bool is_unchanged(const struct target *t, const char *name)
{
    int from = my_table_column(&t->source, name), to = my_table_column(&t->ghost, name);
    if (from < 0 || to < 0)
        return false;
    const struct my_column *a = &t->source.columns[from], *b = &t->ghost.columns[to];
    if (strcmp(a->name, b->name) != 0 || !same_text(a->definition, b->definition) || !same_text(a->type, b->type) ||
        !same_text(a->collation, b->collation))
        return false;
    if (a->generated)
        return true;
    for (int i = 0; i < t->map.ncolumns; i++)
        if (strcmp(t->map.columns[i].ghost_column, b->name) == 0)
            return t->map.columns[i].source_column == from;
    return false;
}

static void capture(struct target *t, struct buf *columns, const char *buckets, bool automatic)
{
    if (columns->len == 0)
        return;
    struct buf sql = {0};
    buf_str(&sql, "ANALYZE TABLE ");
    my_add_ghost(&sql, t);
    buf_printf(&sql, " UPDATE HISTOGRAM ON %s WITH %s BUCKETS%s", buf_cstr(columns), buckets,
               automatic ? " AUTO UPDATE" : "");
    my_todo_add(t, MY_STAGE_AFTER, "histograms", buf_cstr(&sql));
    buf_fini(&sql);
}

enum sc_result my_histograms_capture(struct target *t, struct sc_error *err)
{
    if (t->server.family != MY_MYSQL)
        return SC_OK;
    MYSQL_RES *res = NULL;
    char *schema = my_literal(t->schema), *name = my_literal(t->name);
    enum sc_result result =
        my_queryf(t->control, err, &res,
                  "SELECT COLUMN_NAME, HISTOGRAM->>'$.\"number-of-buckets-specified\"',"
                  " COALESCE(HISTOGRAM->>'$.\"auto-update\"', 'false') FROM information_schema.COLUMN_STATISTICS"
                  " WHERE SCHEMA_NAME = %s AND TABLE_NAME = %s ORDER BY 2, 3, 1",
                  schema, name);
    mem_free(schema);
    mem_free(name);
    if (result != SC_OK)
        return result;
    struct buf columns = {0};
    char buckets[16] = "";
    bool automatic = false;
    for (MYSQL_ROW row; (row = mysql_fetch_row(res)) != NULL;) {
        if (!row[1] || strspn(row[1], "0123456789") != strlen(row[1]) || strlen(row[1]) >= sizeof(buckets))
            continue;
        bool is_automatic = strcmp(row[2], "true") == 0;
        if (strcmp(row[1], buckets) != 0 || is_automatic != automatic) {
            capture(t, &columns, buckets, automatic);
            buf_clear(&columns);
            memcpy(buckets, row[1], strlen(row[1]) + 1);
            automatic = is_automatic;
        }
        if (!is_unchanged(t, row[0]))
            continue;
        buf_str(&columns, columns.len ? ", " : "");
        my_add_ident(&columns, row[0]);
    }
    capture(t, &columns, buckets, automatic);
    buf_fini(&columns);
    mysql_free_result(res);
    return SC_OK;
}
