#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "torture/sql.h"

/* mysql://user@host:port/database; || puts texts together and a backslash is one, as in the other family. */
static void *my_open(const char *url, char *error, size_t size)
{
    char user[64], host[64], port[8], database[65] = "";
    if (sscanf(url, "mysql://%63[^@]@%63[^:]:%7[0-9]/%64s", user, host, port, database) < 3) {
        snprintf(error, size, "the URL is to be mysql://user@host:port/ and a database or none");
        return NULL;
    }
    MYSQL *my = mysql_init(NULL);
    unsigned seconds = 10;
    mysql_options(my, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(
        my, MYSQL_INIT_COMMAND,
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES', time_zone = '+00:00'");
    if (mysql_real_connect(my, host, user, NULL, database[0] ? database : NULL, (unsigned)strtoul(port, NULL, 10), NULL,
                           CLIENT_FOUND_ROWS))
        return my;
    snprintf(error, size, "%s", mysql_error(my));
    mysql_close(my);
    return NULL;
}

static const char *my_cell(const struct rows *rows, int row, int column)
{
    mysql_data_seek(rows->result, (my_ulonglong)row);
    return mysql_fetch_row(rows->result)[column];
}

static enum answer classify(unsigned code)
{
    switch (code) {
    case 1205: /* lock wait time-out */
    case 1213: /* deadlock */
    case 1020: /* MariaDB: changed since the snapshot */
    case 1412: /* the table is another than the snapshot's, as after any ALTER */
        return SQL_CONFLICT;
    case 1053: /* shutdown */
    case 1317: /* interrupted */
    case 1927: /* killed */
    case 2006:
    case 2013:
    case 2055:
        return SQL_LOST;
    default:
        return SQL_REFUSED;
    }
}

static enum answer my_run(struct session *session, const char *text, size_t len)
{
    MYSQL *my = session->connection;
    mysql_free_result(session->rows.result);
    session->rows = (struct rows){.value = my_cell};
    if (mysql_real_query(my, text, len) == 0) {
        MYSQL_RES *res = mysql_store_result(my);
        if (res || mysql_errno(my) == 0) {
            session->rows.result = res;
            session->rows.count = res ? (int)mysql_num_rows(res) : 0;
            session->rows.columns = res ? (int)mysql_num_fields(res) : 0;
            session->affected = mysql_affected_rows(my);
            return SQL_OK;
        }
    }
    snprintf(session->code, sizeof(session->code), "%u", mysql_errno(my));
    snprintf(session->error, sizeof(session->error), "%s", mysql_error(my));
    return classify(mysql_errno(my));
}

static void my_close(struct session *session)
{
    mysql_free_result(session->rows.result);
    session->rows.result = NULL;
    mysql_close(session->connection);
}

const struct sql_ops sql_mysql = {.open = my_open, .run = my_run, .close = my_close};
