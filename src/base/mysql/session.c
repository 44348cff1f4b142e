#include "base/mysql/session.h"

#include <string.h>

#include "base/plant.h"

enum {
    ANSWER_WITHIN_MS = 15000,
    ER_SPECIFIC_ACCESS_DENIED = 1227,
};

/* Defaults of a server or an account may be anything; what decides about rows and transactions is said here.
 * sql_notes: what the server does with no more than a note (a time cut off a date, digits rounded to a new scale), its
 * own ALTER does too, and it was asked for. lc_messages: messages are read where values are masked. sql_log_bin is left
 * alone: replicas need the new table too.
 */
static const char both[] =
    "SET SESSION autocommit = 1, completion_type = 0, foreign_key_checks = 1, unique_checks = 1,"
    " time_zone = '+00:00', lc_messages = 'en_US', sql_warnings = 0, sql_notes = 0,"
    " sql_safe_updates = 0, sql_big_selects = 1, sql_select_limit = DEFAULT, sql_quote_show_create = 1,"
    " sql_auto_is_null = 0, group_concat_max_len = 1048576,"
    " wait_timeout = 604800, net_read_timeout = 600, net_write_timeout = 600";
/* information_schema's estimates as they are now, not as they were a day ago. */
static const char only_mysql[] = ", max_execution_time = 0, information_schema_stats_expiry = 0";
static const char only_mariadb[] = ", max_statement_time = 0";
/* A warning that is not kept cannot be told from a harmless one. MySQL wants a privilege for it, and keeps 1024 unless
 * told otherwise; my_change() fails when there were more. */
static const char keep_warnings[] = "SET SESSION max_error_count = 65535";
static const char isolation[] = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE";

/* What values read and written with a conversion mean depends on these; the operator's choice stays. */
static const char *const kept_modes[] = {"TIME_TRUNCATE_FRACTIONAL", "TIME_ROUND_FRACTIONAL", "ALLOW_INVALID_DATES"};

static bool has_mode(const char *modes, const char *mode)
{
    size_t len = strlen(mode);
    for (const char *p = modes; p && *p; p += strcspn(p, ","), p += *p == ',')
        if (strncmp(p, mode, len) == 0 && (p[len] == 0 || p[len] == ','))
            return true;
    return false;
}

/* Strict, and every value may be written as it was read: zero in an AUTO_INCREMENT column, zero dates. */
static void add_data_mode(struct buf *sql, const char *operators)
{
    if (PLANTED(B6_LAX_CONVERSION)) {
        buf_str(sql, ", sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'");
        return;
    }
    buf_str(sql, ", sql_mode = 'STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,"
                 "ERROR_FOR_DIVISION_BY_ZERO");
    for (size_t i = 0; i < sizeof(kept_modes) / sizeof(kept_modes[0]); i++)
        if (has_mode(operators, kept_modes[i]))
            buf_printf(sql, ",%s", kept_modes[i]);
    buf_str(sql, "'");
}

enum sc_result my_session_set(struct my_conn *conn, enum my_purpose purpose, struct sc_error *err)
{
    const struct my_server *server = conn->server;
    struct buf sql = {0};
    buf_str(&sql, both);
    buf_str(&sql, server->family == MY_MYSQL ? only_mysql : only_mariadb);
    if (purpose == MY_DDL) {
        buf_str(&sql, ", sql_mode = ");
        my_add_literal(&sql, server->sql_mode ? server->sql_mode : "");
    } else {
        add_data_mode(&sql, server->sql_mode);
    }
    enum sc_result result = my_query_within(conn, err, NULL, ANSWER_WITHIN_MS, "SET NAMES utf8mb4");
    if (result == SC_OK)
        result = my_query_within(conn, err, NULL, ANSWER_WITHIN_MS, buf_cstr(&sql));
    if (result == SC_OK) {
        result = my_query_within(conn, err, NULL, ANSWER_WITHIN_MS, keep_warnings);
        if (result == SC_FAIL && my_errno(conn) == ER_SPECIFIC_ACCESS_DENIED)
            result = SC_OK;
    }
    if (result == SC_OK)
        result = my_query_within(conn, err, NULL, ANSWER_WITHIN_MS, isolation);
    if (result == SC_OK && purpose == MY_DATA)
        result = my_query_within(conn, err, NULL, ANSWER_WITHIN_MS, "SET character_set_results = NULL");
    buf_fini(&sql);
    if (result != SC_OK)
        error_wrap(err, "cannot set up the session (%s)", conn->role);
    return result;
}
