#include "base/postgres/conn.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/plant.h"

enum {
    OLDEST_VERSION = 140000,
    ANSWER_WITHIN_MS = 15000, /* to what needs no lock and no disk */
    CONNECT_WITHIN_MS = 10000,
    STOP_LOOK_MS = 100,
};

/* Every session: names resolve only where we say, values are written so that any session reads them without loss, and
 * nothing times out that has a deadline of its own here. Applied after connecting, because poolers and roles may have
 * settings of their own. synchronous_commit=local: what we write is on this server's disk at commit; waiting for
 * standbys would let a missing one stop us. */
static const char session_settings[] =
    "SET search_path = ''; SET standard_conforming_strings = on; SET IntervalStyle = postgres; SET extra_float_digits "
    "= 3;"
    "SET bytea_output = hex; SET xmloption = content; SET row_security = off; SET synchronous_commit = local;"
    "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET "
    "idle_session_timeout = 0;"
    "SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = off;"
    "SET default_transaction_deferrable = off; SET transform_null_equals = off; SET quote_all_identifiers = off;"
    "SET array_nulls = on; SET jit = off; SET client_min_messages = notice";

/* --- errors --- */

enum sc_result pg_classify(const char *sqlstate)
{
    static const char *const transient[] = {
        "40001", "40P01",                   /* serialization failure, deadlock */
        "55P03",                            /* lock_timeout */
        "57014",                            /* cancelled */
        "57P01", "57P02", "57P03", "57P05", /* shutdown, crash, starting up, idle session */
        "53100",                            /* the disk is full: somebody may make room */
        "53300",                            /* too many connections */
        "25P03",                            /* idle in transaction too long */
    };
    if (!sqlstate || !sqlstate[0] || strncmp(sqlstate, "08", 2) == 0)
        return SC_RETRY;
    for (size_t i = 0; i < sizeof(transient) / sizeof(transient[0]); i++)
        if (strcmp(sqlstate, transient[i]) == 0)
            return SC_RETRY;
    return SC_FAIL;
}

bool pg_sqlstate_is(const struct sc_error *err, const char *sqlstate)
{
    return err && strcmp(err->sqlstate, sqlstate) == 0;
}

static void first_line(const char *message, char *out, size_t size)
{
    snprintf(out, size, "%s", message ? message : "");
    out[strcspn(out, "\r\n")] = 0;
}

enum sc_result pg_failed(struct pg_conn *conn, const PGresult *res, struct sc_error *err)
{
    const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    const char *message = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    if (!state && pg_is_write_failure(PQerrorMessage(conn->pg)))
        conn->gone = true;
    bool lost = !pg_alive(conn);
    char text[900];
    if (message)
        first_line(message, text, sizeof(text));
    else
        first_line(lost ? "the connection to the server was lost" : PQerrorMessage(conn->pg), text, sizeof(text));
    if (state)
        pg_mask_values(text, state);
    enum sc_result result = lost ? SC_RETRY : pg_classify(state);
    if (!lost && !state)
        result = SC_FAIL;
    error_set(err, result, "%s", text);
    if (err && state)
        snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", state);
    if (err && res) {
        const char *constraint = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME);
        const char *column = PQresultErrorField(res, PG_DIAG_COLUMN_NAME);
        const char *object = constraint ? constraint : column;
        if (object)
            snprintf(err->object, sizeof(err->object), "%s", object);
    }
    return result;
}

/* --- stopping --- */

static bool told_to_stop(const struct pg_server *server)
{
    return server->stop && atomic_load(server->stop);
}

/* poll() for at most this long between two looks at `stop`. */
static int slice(const struct pg_server *server, int64_t left_ms)
{
    return (int)(server->stop && left_ms > STOP_LOOK_MS ? STOP_LOOK_MS : left_ms);
}

static enum sc_result stopped(const char *role, struct sc_error *err)
{
    return error_set(err, SC_STOP, "stopped (%s)", role);
}

/* --- asking --- */

static bool succeeded(const PGresult *res)
{
    ExecStatusType status = PQresultStatus(res);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY ||
           status == PGRES_COPY_BOTH;
}

enum sc_result pg_run(struct pg_conn *conn, struct sc_error *err, const char *sql)
{
    PGresult *res = PQexec(conn->pg, sql);
    enum sc_result result = succeeded(res) ? SC_OK : pg_failed(conn, res, err);
    PQclear(res);
    return result;
}

enum sc_result pg_runf(struct pg_conn *conn, struct sc_error *err, const char *format, ...)
{
    struct buf sql = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&sql, format, args);
    va_end(args);
    enum sc_result result = pg_run(conn, err, buf_cstr(&sql));
    buf_fini(&sql);
    return result;
}

enum sc_result pg_query(struct pg_conn *conn, struct sc_error *err, PGresult **res, const char *sql, int nparams,
                        const char *const *params)
{
    *res = PQexecParams(conn->pg, sql, nparams, NULL, params, NULL, NULL, 0);
    if (succeeded(*res))
        return SC_OK;
    enum sc_result result = pg_failed(conn, *res, err);
    PQclear(*res);
    *res = NULL;
    return result;
}

enum sc_result pg_value(struct pg_conn *conn, struct sc_error *err, char **value, const char *sql, int nparams,
                        const char *const *params)
{
    *value = NULL;
    PGresult *res = NULL;
    enum sc_result result = pg_query(conn, err, &res, sql, nparams, params);
    if (result == SC_OK && PQntuples(res) > 0 && PQnfields(res) > 0 && !PQgetisnull(res, 0, 0))
        *value = mem_strdup(PQgetvalue(res, 0, 0));
    PQclear(res);
    return result;
}

enum sc_result pg_ask_within(struct pg_conn *conn, struct sc_error *err, PGresult **res, const char *sql,
                             int timeout_ms)
{
    if (res)
        *res = NULL;
    if (PQsendQuery(conn->pg, sql) != 1)
        return pg_failed(conn, NULL, err);
    int64_t deadline = clock_us() + (int64_t)timeout_ms * 1000;
    PGresult *last = NULL;
    for (;;) {
        if (!PQisBusy(conn->pg)) {
            PGresult *next = PQgetResult(conn->pg);
            if (!next)
                break;
            PQclear(last);
            last = next;
            if (PQresultStatus(last) == PGRES_COPY_BOTH)
                break;
            continue;
        }
        int64_t left_ms = (deadline - clock_us() + 999) / 1000;
        struct pollfd p = {.fd = PQsocket(conn->pg), .events = POLLIN};
        if (told_to_stop(conn->server)) {
            PQclear(last);
            return stopped(conn->role, err);
        }
        if (left_ms <= 0 || (poll(&p, 1, slice(conn->server, left_ms)) < 0 && errno != EINTR)) {
            PQclear(last);
            return error_set(err, SC_RETRY, "the server did not answer within %d s (%s)", timeout_ms / 1000,
                             conn->role);
        }
        if (p.revents && PQconsumeInput(conn->pg) != 1) {
            PQclear(last);
            return pg_failed(conn, NULL, err);
        }
    }
    if (!last || !succeeded(last)) {
        enum sc_result result = pg_failed(conn, last, err);
        PQclear(last);
        return result;
    }
    if (res)
        *res = last;
    else
        PQclear(last);
    return SC_OK;
}

/* --- rows one by one --- */

/* Waits for the next result; *next NULL: it was the last. */
static enum sc_result next_result(struct pg_conn *conn, PGresult **next, struct sc_error *err)
{
    *next = NULL;
    while (PQisBusy(conn->pg)) {
        struct pollfd p = {.fd = PQsocket(conn->pg), .events = POLLIN};
        if (told_to_stop(conn->server))
            return stopped(conn->role, err);
        if (poll(&p, 1, STOP_LOOK_MS) < 0 && errno != EINTR)
            return error_set(err, SC_RETRY, "cannot wait for the server (%s): %s", conn->role, strerror(errno));
        if (p.revents && PQconsumeInput(conn->pg) != 1)
            return pg_failed(conn, NULL, err);
    }
    *next = PQgetResult(conn->pg);
    return SC_OK;
}

/* The rest of a query that nobody wants any more: short, because it was cancelled. */
static void end_query(struct pg_conn *conn)
{
    char text[256];
    PGcancel *cancel = PQgetCancel(conn->pg);
    if (cancel)
        PQcancel(cancel, text, sizeof(text));
    PQfreeCancel(cancel);
    for (PGresult *res; (res = PQgetResult(conn->pg));)
        PQclear(res);
}

enum sc_result pg_stream(struct pg_conn *conn, struct sc_error *err, const char *sql, int nparams,
                         const char *const *params,
                         enum sc_result (*take)(void *arg, const PGresult *row, struct sc_error *err), void *arg)
{
    if (PQsendQueryParams(conn->pg, sql, nparams, NULL, params, NULL, NULL, 0) != 1)
        return pg_failed(conn, NULL, err);
    PQsetSingleRowMode(conn->pg);
    for (;;) {
        PGresult *res = NULL;
        enum sc_result result = next_result(conn, &res, err);
        if (result == SC_OK && !res)
            return SC_OK;
        if (result == SC_OK && PQresultStatus(res) == PGRES_SINGLE_TUPLE)
            result = take(arg, res, err);
        else if (result == SC_OK && !succeeded(res))
            result = pg_failed(conn, res, err);
        PQclear(res);
        if (result != SC_OK) {
            end_query(conn);
            return result;
        }
    }
}

/* --- connecting --- */

static void on_notice(void *arg, const PGresult *res)
{
    const struct pg_conn *conn = arg;
    const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    if (severity && strcmp(severity, "WARNING") == 0)
        log_warn("%s: %s", conn->role, message ? message : "");
    else
        log_debug("%s: %s", conn->role, message ? message : "");
}

/* A server that cannot be reached, is starting, or has no room may come back. One that answers with a refusal will not.
 */
static enum sc_result connect_failed(PGconn *pg, const char *role, struct sc_error *err)
{
    char text[700];
    const char *message = pg ? PQerrorMessage(pg) : "";
    first_line(message, text, sizeof(text));
    pg_mask_url(text);
    return error_set(err, pg_classify_connect(message), "cannot connect (%s): %s", role, text);
}

/* libpq knows the server's encoding from the first message it got; a walsender has it, too. */
static const char *server_encoding(const struct pg_conn *conn)
{
    const char *told = PQparameterStatus(conn->pg, "server_encoding");
    return told ? told : conn->server->encoding;
}

static enum sc_result apply_settings(struct pg_conn *conn, enum pg_purpose purpose, struct sc_error *err)
{
    const struct pg_server *server = conn->server;
    const char *encoding = server_encoding(conn);
    bool utf8 = purpose == PG_DDL && strcmp(encoding, "SQL_ASCII") != 0;
    struct buf sql = {0};
    buf_str(&sql, session_settings);
    buf_str(&sql, "; SET DateStyle = ");
    buf_printf(&sql, "'ISO, %s'; SET client_encoding = ", server->date_order);
    pg_add_literal(&sql, utf8 ? "UTF8" : encoding);
    buf_str(&sql, "; SET TimeZone = ");
    pg_add_literal(&sql, server->timezone);
    if (PLANTED(B6_FLOATS_ROUNDED))
        buf_str(&sql, "; SET extra_float_digits = 0");
    enum sc_result result = pg_ask_within(conn, err, NULL, buf_cstr(&sql), ANSWER_WITHIN_MS);
    buf_fini(&sql);
    if (result != SC_OK)
        error_wrap(err, "cannot set up the session (%s)", conn->role);
    return result;
}

static const char *option_of(PQconninfoOption *options, const char *keyword)
{
    for (PQconninfoOption *o = options; o && o->keyword; o++)
        if (strcmp(o->keyword, keyword) == 0 && o->val && o->val[0])
            return o->val;
    return NULL;
}

/* libpq's own connect_timeout counts only where it waits itself. */
static int64_t connect_within_ms(PGconn *pg)
{
    PQconninfoOption *options = PQconninfo(pg);
    const char *told = option_of(options, "connect_timeout");
    int64_t seconds = told ? strtol(told, NULL, 10) : 0;
    PQconninfoFree(options);
    return seconds > 0 ? seconds * 1000 : CONNECT_WITHIN_MS;
}

static bool several_hosts(PGconn *pg)
{
    PQconninfoOption *options = PQconninfo(pg);
    const char *host = option_of(options, "host"), *address = option_of(options, "hostaddr");
    bool several = (host && strchr(host, ',')) || (address && strchr(address, ','));
    PQconninfoFree(options);
    return several;
}

/* As PQconnectdbParams(), but looks at server->stop while it waits. Only libpq itself can leave one of several hosts
 * for the next when it does not answer. */
static PGconn *connect_or_stop(const struct pg_server *server, const char *const *keywords, const char *const *values,
                               bool *timed_out)
{
    *timed_out = false;
    PGconn *pg = PQconnectStartParams(keywords, values, 1);
    if (!pg || PQstatus(pg) == CONNECTION_BAD)
        return pg;
    if (several_hosts(pg)) {
        PQfinish(pg);
        return PQconnectdbParams(keywords, values, 1);
    }
    int64_t deadline = clock_us() + connect_within_ms(pg) * 1000;
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED && !told_to_stop(server)) {
        int64_t left_ms = (deadline - clock_us() + 999) / 1000;
        if (left_ms <= 0) {
            *timed_out = true;
            break;
        }
        struct pollfd p = {.fd = PQsocket(pg), .events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        if (poll(&p, 1, slice(server, left_ms)) > 0)
            next = PQconnectPoll(pg);
    }
    return pg;
}

static enum sc_result connect_bare(const struct pg_server *server, const char *role, bool replication,
                                   struct pg_conn **out, struct sc_error *err)
{
    *out = NULL;
    struct pg_conn *conn = mem_alloc(sizeof(*conn));
    snprintf(conn->role, sizeof(conn->role), "%s", role);
    conn->server = server;
    char *name = mem_printf("%s %s", server->application ? server->application : "seachange", role);
    /* The URL overrides what stands before dbname and is overridden by what stands behind (manual, PQconnectdbParams).
     */
    const char *keywords[] = {"connect_timeout",
                              "keepalives_idle",
                              "keepalives_interval",
                              "keepalives_count",
                              "tcp_user_timeout",
                              "dbname",
                              "application_name",
                              replication ? "replication" : NULL,
                              NULL};
    const char *values[] = {"10", "10", "5", "3", "30000", server->url, name, replication ? "database" : NULL, NULL};
    bool timed_out = false;
    conn->pg =
        server->stop ? connect_or_stop(server, keywords, values, &timed_out) : PQconnectdbParams(keywords, values, 1);
    mem_free(name);
    enum sc_result result = SC_OK;
    if (PQstatus(conn->pg) != CONNECTION_OK) {
        result = told_to_stop(server) ? stopped(role, err)
                 : timed_out ? error_set(err, SC_RETRY, "cannot connect (%s): the server does not answer", role)
                             : connect_failed(conn->pg, role, err);
        pg_close(conn);
        return result;
    }
    int version = PQserverVersion(conn->pg);
    if (version < OLDEST_VERSION) {
        pg_close(conn);
        return error_set(err, SC_REFUSE, "the server is PostgreSQL %d; %d is the oldest that is supported",
                         version / 10000, OLDEST_VERSION / 10000);
    }
    PQsetNoticeReceiver(conn->pg, on_notice, conn);
    conn->backend_pid = PQbackendPID(conn->pg);
    *out = conn;
    return SC_OK;
}

enum sc_result pg_open(const struct pg_server *server, const char *role, enum pg_purpose purpose, struct pg_conn **out,
                       struct sc_error *err)
{
    enum sc_result result = connect_bare(server, role, purpose == PG_REPLICATION, out, err);
    if (result == SC_OK)
        result = apply_settings(*out, purpose, err);
    if (result != SC_OK) {
        pg_close(*out);
        *out = NULL;
    }
    return result;
}

void pg_close(struct pg_conn *conn)
{
    if (!conn)
        return;
    PQfinish(conn->pg);
    mem_free(conn);
}

bool pg_alive(const struct pg_conn *conn)
{
    return conn && !conn->gone && PQstatus(conn->pg) == CONNECTION_OK;
}

/* --- the server --- */

static enum sc_result learn_identity(struct pg_server *server, struct sc_error *err)
{
    /* IDENTIFY_SYSTEM needs no privilege but REPLICATION, which the migration needs anyway (manual, 55.4). */
    struct pg_conn *conn = NULL;
    enum sc_result result = connect_bare(server, "identify", true, &conn, err);
    if (result != SC_OK)
        return result;
    PGresult *res = NULL;
    result = pg_ask_within(conn, err, &res, "IDENTIFY_SYSTEM", ANSWER_WITHIN_MS);
    if (result == SC_OK && PQntuples(res) == 1) {
        server->system_identifier = strtoull(PQgetvalue(res, 0, 0), NULL, 10);
        server->timeline = (uint32_t)strtoul(PQgetvalue(res, 0, 1), NULL, 10);
    }
    PQclear(res);
    pg_close(conn);
    return result;
}

static enum sc_result learn(struct pg_server *server, struct pg_conn *conn, struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = pg_query(conn, err, &res,
                                     "SELECT current_setting('TimeZone'), current_setting('DateStyle'),"
                                     " current_setting('server_encoding'), current_setting('search_path'),"
                                     " current_database(), session_user",
                                     0, NULL);
    if (result != SC_OK)
        return result;
    server->version = PQserverVersion(conn->pg);
    server->timezone = mem_strdup(PQgetvalue(res, 0, 0));
    const char *comma = strchr(PQgetvalue(res, 0, 1), ',');
    server->date_order = mem_strdup(comma ? comma + 2 : "MDY");
    server->encoding = mem_strdup(PQgetvalue(res, 0, 2));
    server->search_path = mem_strdup(PQgetvalue(res, 0, 3));
    server->database = mem_strdup(PQgetvalue(res, 0, 4));
    server->user = mem_strdup(PQgetvalue(res, 0, 5));
    PQclear(res);
    return SC_OK;
}

enum sc_result pg_server_learn(struct pg_server *server, const char *role, struct pg_conn **out, struct sc_error *err)
{
    enum sc_result result = connect_bare(server, role, false, out, err);
    if (result != SC_OK)
        return result;
    result = learn(server, *out, err);
    if (result == SC_OK)
        result = apply_settings(*out, PG_DDL, err);
    if (result == SC_OK) {
        /* A role without REPLICATION is told so by the preflight, together with everything else. */
        struct sc_error identity_err;
        if (learn_identity(server, &identity_err) == SC_RETRY)
            log_debug("identify: %s", identity_err.what);
    }
    if (result != SC_OK) {
        pg_close(*out);
        *out = NULL;
    }
    return result;
}

void pg_server_fini(struct pg_server *server)
{
    mem_free(server->url);
    mem_free(server->application);
    mem_free(server->timezone);
    mem_free(server->date_order);
    mem_free(server->encoding);
    mem_free(server->database);
    mem_free(server->user);
    mem_free(server->search_path);
    *server = (struct pg_server){0};
}
