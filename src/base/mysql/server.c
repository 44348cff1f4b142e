#include <stdlib.h>
#include <string.h>

#include "base/mysql/conn.h"
#include "base/mysql/open.h"
#include "base/mysql/session.h"
#include "base/mysql/url.h"

enum {
    OLDEST_MYSQL = 80013,
    OLDEST_MARIADB = 100600,
    ANSWER_WITHIN_MS = 15000,
};

static int version_of(const char *text)
{
    int part[3] = {0};
    const char *p = text;
    for (int i = 0; i < 3; i++) {
        char *end;
        part[i] = (int)strtol(p, &end, 10);
        if (*end != '.')
            break;
        p = end + 1;
    }
    return part[0] * 10000 + part[1] * 100 + part[2];
}

static enum sc_result check_version(const struct my_server *server, struct sc_error *err)
{
    bool mariadb = server->family == MY_MARIADB;
    if (server->version >= (mariadb ? OLDEST_MARIADB : OLDEST_MYSQL))
        return SC_OK;
    return error_set(err, SC_REFUSE, "the server is %s %s; %s is the oldest that is supported",
                     mariadb ? "MariaDB" : "MySQL", server->version_text, mariadb ? "10.6" : "8.0.13");
}

/* MariaDB has no identifier of a server's data. Servers that replicate from each other must differ in server_id; copies
 * of one elsewhere differ in host or port. */
static enum sc_result learn_identity(struct my_server *server, struct my_conn *conn, struct sc_error *err)
{
    const char *sql = server->family == MY_MYSQL ? "SELECT @@GLOBAL.server_uuid"
                                                 : "SELECT CONCAT(@@GLOBAL.server_id, '/', @@GLOBAL.hostname, ':', "
                                                   "@@GLOBAL.port)";
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query_within(conn, err, &res, ANSWER_WITHIN_MS, sql);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    if (result == SC_OK && (!row || !row[0]))
        result = error_set(err, SC_REFUSE, "the server does not say which one it is (server_uuid)");
    if (result == SC_OK)
        server->identity = mem_strdup(row[0]);
    if (res)
        mysql_free_result(res);
    return result;
}

static enum sc_result learn(struct my_server *server, struct my_conn *conn, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result =
        my_query_within(conn, err, &res, ANSWER_WITHIN_MS,
                        "SELECT VERSION(), @@GLOBAL.version_comment, DATABASE(), CURRENT_USER(), @@SESSION.sql_mode,"
                        " @@GLOBAL.server_id, @@GLOBAL.lower_case_table_names, @@SESSION.max_allowed_packet");
    if (result != SC_OK)
        return result;
    MYSQL_ROW row = mysql_fetch_row(res);
    if (!row || !row[0] || !row[4] || !row[5] || !row[6] || !row[7]) {
        mysql_free_result(res);
        return error_set(err, SC_REFUSE, "the server does not answer as MySQL or MariaDB does");
    }
    /* MariaDB before 11 puts 5.5.5- in front for old clients. */
    const char *version = strncmp(row[0], "5.5.5-", 6) == 0 ? row[0] + 6 : row[0];
    server->family =
        strcasestr(version, "mariadb") || (row[1] && strcasestr(row[1], "mariadb")) ? MY_MARIADB : MY_MYSQL;
    server->version = version_of(version);
    server->version_text = mem_strdup(version);
    server->database = mem_strdup(row[2]);
    server->user = mem_strdup(row[3]);
    server->sql_mode = mem_strdup(row[4]);
    server->server_id = (uint32_t)strtoul(row[5], NULL, 10);
    server->lower_case_table_names = (int)strtol(row[6], NULL, 10);
    server->max_allowed_packet = strtoull(row[7], NULL, 10);
    mysql_free_result(res);
    result = check_version(server, err);
    return result == SC_OK ? learn_identity(server, conn, err) : result;
}

static void forget(struct my_server *server)
{
    char **const texts[] = {&server->version_text, &server->database, &server->user, &server->identity,
                            &server->sql_mode};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        mem_free(*texts[i]);
        *texts[i] = NULL;
    }
}

enum sc_result my_server_learn(struct my_server *server, const char *role, struct my_conn **out, struct sc_error *err)
{
    enum sc_result result = my_open_bare(server, role, MY_DDL, out, err);
    if (result != SC_OK)
        return result;
    forget(server);
    result = learn(server, *out, err);
    if (result == SC_OK)
        result = my_session_set(*out, MY_DDL, err);
    if (result != SC_OK) {
        my_close(*out);
        *out = NULL;
    }
    return result;
}

void my_server_fini(struct my_server *server)
{
    forget(server);
    mem_free(server->url);
    mem_free(server->application);
    *server = (struct my_server){0};
}
