/* Reading a table: what information_schema says of it, and its definition as SHOW CREATE TABLE prints it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "applier/mysql/definition.h"
#include "applier/mysql/names.h"
#include "applier/mysql/state.h"

const char *my_column_text(MYSQL_RES *res, MYSQL_ROW row, const char *name)
{
    unsigned count = mysql_num_fields(res);
    const MYSQL_FIELD *fields = mysql_fetch_fields(res);
    for (unsigned i = 0; i < count; i++)
        if (strcasecmp(fields[i].name, name) == 0)
            return row[i];
    return NULL;
}

uint64_t my_column_number(MYSQL_RES *res, MYSQL_ROW row, const char *name)
{
    const char *text = my_column_text(res, row, name);
    return text ? strtoull(text, NULL, 10) : 0;
}

void my_table_fini(struct my_table *table)
{
    arena_fini(&table->arena);
    *table = (struct my_table){0};
}

/* --- columns ------------------------------------------------------------------------------------------------------ */

static bool is_one_of(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcasecmp(word, *list) == 0)
            return true;
    return false;
}

/* For key columns: are two values the same for the server only if their texts are? Not so for floating point (-0 = 0)
 * and for texts whose collation folds characters or ignores blanks at the end. */
static bool is_bytewise(const struct my_column *c)
{
    static const char *const types[] = {"tinyint", "smallint",  "mediumint", "int",        "bigint",   "decimal",
                                        "bit",     "year",      "date",      "time",       "datetime", "timestamp",
                                        "binary",  "varbinary", "enum",      "set",        "uuid",     "inet4",
                                        "inet6",   "tinyblob",  "blob",      "mediumblob", "longblob", NULL};
    static const char *const texts[] = {"varchar", "tinytext", "text", "mediumtext", "longtext", NULL};
    if (is_one_of(c->data_type, types))
        return true;
    if (!is_one_of(c->data_type, texts) || !c->collation)
        return false;
    size_t len = strlen(c->collation);
    return (len > 9 && strcmp(c->collation + len - 9, "_0900_bin") == 0) ||
           (len > 10 && strcmp(c->collation + len - 10, "_nopad_bin") == 0);
}

static void take_columns(struct my_table *out, MYSQL_RES *res)
{
    out->ncolumns = (int)mysql_num_rows(res);
    out->columns = arena_array(&out->arena, (size_t)out->ncolumns + 1, sizeof(*out->columns));
    for (int i = 0; i < out->ncolumns; i++) {
        MYSQL_ROW row = mysql_fetch_row(res);
        struct my_column *c = &out->columns[i];
        c->name = arena_strdup(&out->arena, row[0]);
        c->type = arena_strdup(&out->arena, row[1]);
        c->data_type = arena_strdup(&out->arena, row[2]);
        c->charset = row[3] ? arena_strdup(&out->arena, row[3]) : NULL;
        c->collation = row[4] ? arena_strdup(&out->arena, row[4]) : NULL;
        c->extra = arena_strdup(&out->arena, row[5] ? row[5] : "");
        c->not_null = strcasecmp(row[6], "NO") == 0;
        c->definition = "";
        c->is_unsigned = strstr(c->type, " unsigned") != NULL;
        c->auto_increment = strcasestr(c->extra, "auto_increment") != NULL;
        c->stored = strcasestr(c->extra, "STORED GENERATED") || strcasestr(c->extra, "PERSISTENT");
        c->generated = c->stored || strcasestr(c->extra, "VIRTUAL");
        c->invisible = strcasestr(c->extra, "INVISIBLE") != NULL;
        c->bytewise = is_bytewise(c);
        my_members_read(&out->arena, c);
    }
}

static const char table_sql[] =
    "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, ROW_FORMAT, TABLE_COMMENT, CREATE_OPTIONS,"
    " TABLE_ROWS, DATA_LENGTH, INDEX_LENGTH FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s";

static const char columns_sql[] =
    "SELECT COLUMN_NAME, COLUMN_TYPE, DATA_TYPE, CHARACTER_SET_NAME, COLLATION_NAME, EXTRA, IS_NULLABLE"
    " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION";

static enum sc_result show_create(struct my_conn *conn, const char *schema, const char *name, char **out,
                                  struct sc_error *err)
{
    char *table = my_qualified(schema, name);
    MYSQL_RES *res = NULL;
    *out = NULL;
    enum sc_result result = my_queryf(conn, err, &res, "SHOW CREATE TABLE %s", table);
    mem_free(table);
    if (result != SC_OK)
        return result;
    MYSQL_ROW row = mysql_fetch_row(res);
    if (row && row[1])
        *out = mem_strdup(row[1]);
    mysql_free_result(res);
    return *out ? SC_OK : error_set(err, SC_FAIL, "the server does not show the definition of %s.%s", schema, name);
}

static enum sc_result load(struct my_conn *conn, const char *schema, const char *name, struct my_table *out,
                           struct sc_error *err)
{
    char *s = my_literal(schema), *n = my_literal(name), *create = NULL;
    MYSQL_RES *res = NULL;
    enum sc_result result = my_queryf(conn, err, &res, table_sql, s, n);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    if (result == SC_OK && !row)
        result = error_set(err, SC_REFUSE, "there is no table %s in database %s", name, schema);
    if (result == SC_OK) {
        out->schema = arena_strdup(&out->arena, row[0]);
        out->name = arena_strdup(&out->arena, row[1]);
        out->type = arena_strdup(&out->arena, row[2] ? row[2] : "");
        out->engine = arena_strdup(&out->arena, row[3] ? row[3] : "");
        out->row_format = arena_strdup(&out->arena, row[4] ? row[4] : "");
        out->comment = arena_strdup(&out->arena, row[5] ? row[5] : "");
        out->options = arena_strdup(&out->arena, row[6] ? row[6] : "");
        out->rows_estimated = my_column_number(res, row, "TABLE_ROWS");
        out->data_bytes = my_column_number(res, row, "DATA_LENGTH");
        out->index_bytes = my_column_number(res, row, "INDEX_LENGTH");
    }
    mysql_free_result(res);
    res = NULL;
    if (result == SC_OK)
        result = my_queryf(conn, err, &res, columns_sql, s, n);
    if (result == SC_OK)
        take_columns(out, res);
    mysql_free_result(res);
    if (result == SC_OK && strcmp(out->type, "VIEW") != 0)
        result = show_create(conn, out->schema, out->name, &create, err);
    if (create) {
        size_t len;
        const char *next = my_auto_increment_option(create, &len);
        out->create = arena_strdup(&out->arena, create);
        out->auto_increment = next ? strtoull(strchr(next, '=') + 1, NULL, 10) : 0;
        my_definition_read(out);
    }
    mem_free(create);
    mem_free(s);
    mem_free(n);
    return result;
}

/* A TRUNCATE makes the table anew, and for that moment MariaDB's information_schema knows nothing of it. Who has read a
 * table in an open transaction keeps it from being made anew. Not where the session is in a transaction already, or has
 * locked the table: then nothing changes. *held: to be given back by release(). What cannot be held is read as it is.
 */
static enum sc_result hold(struct my_conn *conn, const char *schema, const char *name, bool *held, struct sc_error *err)
{
    *held = false;
    unsigned status = conn->my->server_status;
    if (!(status & SERVER_STATUS_AUTOCOMMIT) || (status & SERVER_STATUS_IN_TRANS))
        return SC_OK;
    struct buf sql = {0};
    buf_str(&sql, "SELECT 1 FROM ");
    my_add_qualified(&sql, schema, name);
    buf_str(&sql, " LIMIT 0");
    enum sc_result result = my_run(conn, err, "BEGIN");
    *held = result == SC_OK;
    if (result == SC_OK && my_run(conn, err, buf_cstr(&sql)) == SC_RETRY)
        result = SC_RETRY;
    buf_fini(&sql);
    return result;
}

static void release(struct my_conn *conn, bool held)
{
    unsigned error = conn->error; /* of what was read; somebody may ask for it */
    if (held && my_alive(conn)) {
        my_run(conn, NULL, "COMMIT");
        conn->error = error;
    }
}

enum sc_result my_table_load(struct my_conn *conn, const char *schema, const char *name, struct my_table *out,
                             struct sc_error *err)
{
    *out = (struct my_table){0};
    bool held = false;
    enum sc_result result = hold(conn, schema, name, &held, err);
    if (result == SC_OK)
        result = load(conn, schema, name, out, err);
    release(conn, held);
    if (result != SC_OK)
        my_table_fini(out);
    return result;
}

/* --- fingerprint -------------------------------------------------------------------------------------------------- */

static const char dependents_sql[] =
    "SELECT TRIGGER_NAME, EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER, ACTION_STATEMENT, SQL_MODE, DEFINER"
    " FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = %s AND EVENT_OBJECT_TABLE = %s"
    " ORDER BY BINARY TRIGGER_NAME";

/* Everything that a migration carries over or relies on: the definition without its counter, the triggers, and what
 * refers to the table. */
enum sc_result my_fingerprint(struct my_conn *conn, const char *schema, const char *name, char **out,
                              struct sc_error *err)
{
    struct buf b = {0};
    char *create = NULL, *s = my_literal(schema), *n = my_literal(name);
    *out = NULL;
    bool held = false;
    enum sc_result result = hold(conn, schema, name, &held, err);
    if (result == SC_OK)
        result = show_create(conn, schema, name, &create, err);
    if (result == SC_OK) {
        size_t len = 0;
        const char *next = my_auto_increment_option(create, &len);
        buf_bytes(&b, create, next ? (size_t)(next - create) : strlen(create));
        if (next)
            buf_str(&b, next + len);
    }
    MYSQL_RES *res = NULL;
    if (result == SC_OK)
        result = my_queryf(conn, err, &res, dependents_sql, s, n);
    for (MYSQL_ROW row; result == SC_OK && (row = mysql_fetch_row(res)) != NULL;) {
        for (unsigned i = 0; i < mysql_num_fields(res); i++)
            buf_printf(&b, "\n%s", row[i] ? row[i] : "");
    }
    mysql_free_result(res);
    release(conn, held);
    if (result == SC_OK)
        *out = mem_printf("%016" PRIx64 "%016" PRIx64, my_hash(buf_cstr(&b), 0), my_hash(buf_cstr(&b), 1));
    else
        error_wrap(err, "cannot read the definition of the table");
    buf_fini(&b);
    mem_free(create);
    mem_free(s);
    mem_free(n);
    return result;
}
