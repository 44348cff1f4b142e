#include "base/mysql/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mysql/conn_library.h"
#include "base/mysql/message.h"
#include "base/mysql/open.h"
#include "base/mysql/session.h"
#include "base/plant.h"

enum {
    CONNECT_WITHIN_S = 10,
    WRITE_WITHIN_S = 60,
    STREAM_SILENT_S = 60,
    STOP_LOOK_MS = 100,
    NO_AUTH_PLUGIN = 2059, /* CR_AUTH_PLUGIN_CANNOT_LOAD */
};

/* --- errors --- */

static void first_line(const char *message, char *out, size_t size)
{
    snprintf(out, size, "%s", message ? message : "");
    out[strcspn(out, "\r\n")] = 0;
}

enum sc_result my_failed(struct my_conn *conn, struct sc_error *err)
{
    unsigned number = mysql_errno(conn->my);
    conn->error = number;
    if (my_error_ends_connection(number))
        conn->lost = true;
    char text[900], object[256];
    first_line(mysql_error(conn->my), text, sizeof(text));
    my_mask_values(text, number);
    my_object_of(text, number, object, sizeof(object));
    enum sc_result result = number ? my_classify(number) : SC_FAIL;
    bool no_room = number && my_error_is_no_room(number, text);
    if (no_room)
        result = SC_RETRY;
    error_set(err, result, "%s (%u)", text[0] ? text : "the client library reported no reason", number);
    if (no_room)
        error_hint(err,
                   "The server has no room left on its disk. Make room there, or `seachange abort` removes the new "
                   "table.");
    if (err) {
        snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", mysql_sqlstate(conn->my));
        snprintf(err->object, sizeof(err->object), "%s", object);
    }
    return result;
}

unsigned my_errno(const struct my_conn *conn)
{
    return conn->error;
}

bool my_alive(const struct my_conn *conn)
{
    return conn && !conn->lost;
}

static bool told_to_stop(const struct my_server *server)
{
    return server->stop && atomic_load(server->stop);
}

/* --- asking --- */

/* What an earlier statement left unread would be taken for the answer to the next one. */
static enum sc_result drop_rows(struct my_conn *conn, struct sc_error *err)
{
    do {
        MYSQL_RES *res = mysql_store_result(conn->my);
        if (res)
            mysql_free_result(res);
        else if (mysql_errno(conn->my))
            return my_failed(conn, err);
    } while (mysql_next_result(conn->my) == 0);
    return SC_OK;
}

static atomic_uint_fast64_t sent;

uint64_t my_sent(void)
{
    return atomic_load(&sent);
}

void my_count_sent(uint64_t statements)
{
    atomic_fetch_add(&sent, statements);
}

static enum sc_result send_statement(struct my_conn *conn, struct sc_error *err, const char *sql, size_t len)
{
    conn->error = 0;
    my_count_sent(1);
    return mysql_real_query(conn->my, sql, (unsigned long)len) == 0 ? SC_OK : my_failed(conn, err);
}

enum sc_result my_run(struct my_conn *conn, struct sc_error *err, const char *sql)
{
    enum sc_result result = send_statement(conn, err, sql, strlen(sql));
    return result == SC_OK ? drop_rows(conn, err) : result;
}

enum sc_result my_runf(struct my_conn *conn, struct sc_error *err, const char *format, ...)
{
    struct buf sql = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&sql, format, args);
    va_end(args);
    enum sc_result result = my_run(conn, err, buf_cstr(&sql));
    buf_fini(&sql);
    return result;
}

enum sc_result my_query(struct my_conn *conn, struct sc_error *err, MYSQL_RES **res, const char *sql)
{
    *res = NULL;
    enum sc_result result = send_statement(conn, err, sql, strlen(sql));
    if (result != SC_OK)
        return result;
    *res = mysql_store_result(conn->my);
    if (!*res)
        return mysql_errno(conn->my) ? my_failed(conn, err)
                                     : error_set(err, SC_FAIL, "the server answered a query without rows");
    return SC_OK;
}

enum sc_result my_queryf(struct my_conn *conn, struct sc_error *err, MYSQL_RES **res, const char *format, ...)
{
    struct buf sql = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&sql, format, args);
    va_end(args);
    enum sc_result result = my_query(conn, err, res, buf_cstr(&sql));
    buf_fini(&sql);
    return result;
}

enum sc_result my_value(struct my_conn *conn, struct sc_error *err, char **value, const char *sql)
{
    *value = NULL;
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(conn, err, &res, sql);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    if (row && row[0])
        *value = mem_strndup(row[0], mysql_fetch_lengths(res)[0]);
    if (res)
        mysql_free_result(res);
    return result;
}

enum sc_result my_valuef(struct my_conn *conn, struct sc_error *err, char **value, const char *format, ...)
{
    struct buf sql = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&sql, format, args);
    va_end(args);
    enum sc_result result = my_value(conn, err, value, buf_cstr(&sql));
    buf_fini(&sql);
    return result;
}

enum sc_result my_query_within(struct my_conn *conn, struct sc_error *err, MYSQL_RES **res, int timeout_ms,
                               const char *sql)
{
    if (res)
        *res = NULL;
    conn->error = 0;
    my_count_sent(1);
    if (mysql_send_query(conn->my, sql, (unsigned long)strlen(sql)) != 0)
        return my_failed(conn, err);
    int64_t deadline = clock_us() + (int64_t)timeout_ms * 1000;
    struct pollfd p = {.fd = my_library_socket(conn->my), .events = POLLIN};
    for (;;) {
        int64_t left_ms = (deadline - clock_us() + 999) / 1000;
        if (told_to_stop(conn->server) || left_ms <= 0) {
            conn->lost = true;
            return left_ms > 0 ? error_set(err, SC_STOP, "stopped (%s)", conn->role)
                               : error_set(err, SC_RETRY, "the server did not answer within %d s (%s)",
                                           timeout_ms / 1000, conn->role);
        }
        int got = poll(&p, 1, (int)(left_ms < STOP_LOOK_MS ? left_ms : STOP_LOOK_MS));
        if (got > 0)
            break;
        if (got < 0 && errno != EINTR)
            return error_set(err, SC_RETRY, "cannot wait for the server (%s): %s", conn->role, strerror(errno));
    }
    if (mysql_read_query_result(conn->my) != 0)
        return my_failed(conn, err);
    if (!res)
        return drop_rows(conn, err);
    *res = mysql_store_result(conn->my);
    return *res                    ? SC_OK
           : mysql_errno(conn->my) ? my_failed(conn, err)
                                   : error_set(err, SC_FAIL, "the server answered a query without rows");
}

/* --- rows one by one --- */

/* Freeing a result reads the rest of it; of a large table's that could take hours. */
static void give_up(struct my_conn *conn)
{
    int fd = my_library_socket(conn->my);
    conn->lost = true;
    if (fd >= 0)
        shutdown(fd, SHUT_RDWR);
}

enum sc_result my_stream(struct my_conn *conn, struct sc_error *err, const char *sql,
                         enum sc_result (*take)(void *arg, MYSQL_ROW row, const unsigned long *lengths,
                                                struct sc_error *err),
                         void *arg)
{
    enum sc_result result = send_statement(conn, err, sql, strlen(sql));
    if (result != SC_OK)
        return result;
    MYSQL_RES *res = mysql_use_result(conn->my);
    if (!res)
        return mysql_errno(conn->my) ? my_failed(conn, err)
                                     : error_set(err, SC_FAIL, "the server answered a query without rows");
    for (MYSQL_ROW row; result == SC_OK && (row = mysql_fetch_row(res));) {
        result = told_to_stop(conn->server) ? error_set(err, SC_STOP, "stopped (%s)", conn->role)
                                            : take(arg, row, mysql_fetch_lengths(res), err);
        if (result != SC_OK)
            give_up(conn);
    }
    if (result == SC_OK && mysql_errno(conn->my))
        result = my_failed(conn, err);
    mysql_free_result(res);
    return result;
}

/* --- changing rows --- */

/* A value the server had to bend is a wrong value. */
static enum sc_result check_warnings(struct my_conn *conn, unsigned count, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(conn, err, &res, "SHOW WARNINGS");
    if (result != SC_OK)
        return result;
    my_ulonglong shown = mysql_num_rows(res);
    for (MYSQL_ROW row; result == SC_OK && (row = mysql_fetch_row(res));) {
        unsigned code = (unsigned)strtoul(row[1] ? row[1] : "0", NULL, 10);
        if (my_warning_is_harmless(code))
            continue;
        char text[900], object[256];
        first_line(row[2], text, sizeof(text));
        my_mask_values(text, code);
        my_object_of(text, code, object, sizeof(object));
        conn->error = code;
        result = error_set(err, SC_FAIL, "the server warned: %s (%u)", text, code);
        if (err)
            snprintf(err->object, sizeof(err->object), "%s", object);
        error_hint(err, "A value would not be the same in the new table. The source is untouched.");
    }
    mysql_free_result(res);
    if (result == SC_OK && shown < count && shown < 65535)
        result = error_set(err, SC_FAIL, "the server gave %u warnings and tells only %llu of them", count,
                           (unsigned long long)shown);
    return result;
}

enum sc_result my_change(struct my_conn *conn, struct sc_error *err, const char *sql, size_t len, uint64_t *affected)
{
    if (affected)
        *affected = 0;
    enum sc_result result = send_statement(conn, err, sql, len);
    if (result != SC_OK)
        return result;
    uint64_t rows = mysql_affected_rows(conn->my);
    unsigned warnings = mysql_warning_count(conn->my);
    MYSQL_RES *res = mysql_store_result(conn->my);
    if (res) {
        mysql_free_result(res);
        return error_set(err, SC_FAIL, "a statement that changes rows gave rows");
    }
    if (warnings > 0 && !PLANTED(B6_LAX_CONVERSION))
        result = check_warnings(conn, warnings, err);
    if (result == SC_OK && affected)
        *affected = rows;
    return result;
}

/* --- connecting --- */

/* The library's own read time-out ends long statements; TCP's ends dead connections only. */
static void watch_peer(MYSQL *my)
{
    int fd = my_library_socket(my), on = 1, idle_s = 10, interval_s = 5, count = 3, unanswered_ms = 30000;
    if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) != 0)
        return;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof(unanswered_ms));
}

static void set_options(MYSQL *my, const struct my_server *server, const char *role, enum my_purpose purpose,
                        const struct my_url *url)
{
    unsigned connect_s = url->connect_timeout_s ? url->connect_timeout_s : CONNECT_WITHIN_S;
    unsigned write_s = WRITE_WITHIN_S, read_s = STREAM_SILENT_S, no_infile = 0;
    mysql_options(my, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    mysql_options(my, MYSQL_OPT_WRITE_TIMEOUT, &write_s);
    /* Heartbeats come all the time: a server that says nothing for so long is not there. */
    if (purpose == MY_BINLOG)
        mysql_options(my, MYSQL_OPT_READ_TIMEOUT, &read_s);
    mysql_options(my, MYSQL_OPT_LOCAL_INFILE, &no_infile);
    mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (url->defaults_file) {
        mysql_options(my, MYSQL_READ_DEFAULT_FILE, url->defaults_file);
        mysql_options(my, MYSQL_READ_DEFAULT_GROUP, "seachange");
    }
    char *program = mem_printf("%s %s", server->application ? server->application : "seachange", role);
    mysql_options4(my, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", program);
    mem_free(program);
    bool socket = url->socket || ((!url->host || strcmp(url->host, "localhost") == 0) && !url->port);
    /* A port that is said is meant, also on localhost. */
    unsigned tcp = MYSQL_PROTOCOL_TCP;
    if (!socket && url->port && !url->defaults_file)
        mysql_options(my, MYSQL_OPT_PROTOCOL, &tcp);
    my_library_options(my, url);
    my_library_tls(my, url, socket);
}

static enum sc_result connect_failed(MYSQL *my, const struct my_url *url, const char *role, struct sc_error *err)
{
    char text[700];
    first_line(mysql_error(my), text, sizeof(text));
    bool verifies = url->tls >= MY_TLS_VERIFY_CA || url->defaults_file; /* or may, by what the file says */
    enum sc_result result = my_classify_connect(mysql_errno(my), text, verifies);
    error_set(err, result, "cannot connect (%s): %s (%u)", role, text, mysql_errno(my));
    if (err)
        snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", mysql_sqlstate(my));
    if (mysql_errno(my) == NO_AUTH_PLUGIN)
        error_hint(err,
                   "The client library that this program was built with (%s) cannot log in the way the account "
                   "wants. Give it another authentication plugin, or use a build with the other library.",
                   mysql_get_client_info());
    return result;
}

enum sc_result my_open_bare(const struct my_server *server, const char *role, enum my_purpose purpose,
                            struct my_conn **out, struct sc_error *err)
{
    *out = NULL;
    if (told_to_stop(server))
        return error_set(err, SC_STOP, "stopped (%s)", role);
    my_library_begin();
    struct my_url url;
    enum sc_result result = my_url_parse(server->url, &url, err);
    if (result == SC_OK && url.defaults_file && access(url.defaults_file, R_OK) != 0)
        result = error_set(err, SC_REFUSE, "cannot read the defaults file %s: %s", url.defaults_file, strerror(errno));
    if (result != SC_OK) {
        my_url_fini(&url);
        return result;
    }
    struct my_conn *conn = mem_alloc(sizeof(*conn));
    snprintf(conn->role, sizeof(conn->role), "%s", role);
    conn->server = server;
    conn->my = mysql_init(NULL);
    if (!conn->my)
        abort();
    set_options(conn->my, server, role, purpose, &url);
    if (!mysql_real_connect(conn->my, url.host, url.user, url.password, url.database, url.port, url.socket,
                            CLIENT_FOUND_ROWS))
        result = connect_failed(conn->my, &url, role, err);
    if (result == SC_OK)
        result = my_library_check_tls(conn->my, &url, err);
    my_url_fini(&url);
    if (result != SC_OK) {
        my_close(conn);
        return result;
    }
    watch_peer(conn->my);
    conn->thread_id = mysql_thread_id(conn->my);
    *out = conn;
    return SC_OK;
}

enum sc_result my_open(const struct my_server *server, const char *role, enum my_purpose purpose, struct my_conn **out,
                       struct sc_error *err)
{
    enum sc_result result = my_open_bare(server, role, purpose, out, err);
    if (result == SC_OK)
        result = my_session_set(*out, purpose, err);
    if (result != SC_OK) {
        my_close(*out);
        *out = NULL;
    }
    return result;
}

void my_close(struct my_conn *conn)
{
    if (!conn)
        return;
    /* COM_QUIT to a peer that is not there could wait. */
    if (conn->lost && conn->my) {
        int fd = my_library_socket(conn->my);
        if (fd >= 0)
            shutdown(fd, SHUT_RDWR);
    }
    mysql_close(conn->my);
    mem_free(conn);
}
