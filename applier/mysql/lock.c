/* Waiting for a table's lock. Whoever waits for it holds up everybody who comes later, so no wait is long; the server
 * counts such waits in whole seconds only, so they are ended from outside. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "applier/mysql/cutover.h"
#include "base/clock.h"
#include "base/mysql/conn_library.h"

#define ER_QUERY_INTERRUPTED_NUMBER 1317
#define NAMED_MOST 5
/* How long an interrupted statement may take to end. */
#define END_WITHIN_MS 20000

/* --- who is in the way
 * ---------------------------------------------------------------------------------------------------- */

/* Two %s: schema and table. */
static const char mysql_holders[] =
    "SELECT DISTINCT CONCAT('connection ', th.PROCESSLIST_ID, ' (', COALESCE(th.PROCESSLIST_USER, '?'), '@', "
    "COALESCE(th.PROCESSLIST_HOST, '?'), ', ', LOWER(th.PROCESSLIST_COMMAND), ' for ', th.PROCESSLIST_TIME, ' s)')"
    " FROM performance_schema.metadata_locks m JOIN performance_schema.threads th ON th.THREAD_ID = m.OWNER_THREAD_ID"
    " WHERE m.OBJECT_TYPE = 'TABLE' AND m.LOCK_STATUS = 'GRANTED' AND m.LOCK_DURATION <> 'STATEMENT' AND "
    "m.OBJECT_SCHEMA = %s AND m.OBJECT_NAME = %s AND th.PROCESSLIST_ID NOT IN (%lu, CONNECTION_ID())";
static const char mariadb_holders[] =
    "SELECT DISTINCT CONCAT('connection ', p.ID, ' (', p.USER, '@', p.HOST, ', ', LOWER(p.COMMAND), ' for ', p.TIME, "
    "' s)') FROM information_schema.METADATA_LOCK_INFO m JOIN information_schema.PROCESSLIST p ON p.ID = m.THREAD_ID"
    " WHERE m.TABLE_SCHEMA = %s AND m.TABLE_NAME = %s AND p.ID NOT IN (%lu, CONNECTION_ID())";
/* Where the server does not say who holds a table: the transactions that have been open longest. */
static const char transactions[] =
    "SELECT CONCAT('perhaps connection ', p.ID, ' (', p.USER, '@', p.HOST, ', in a transaction for ', "
    "TIMESTAMPDIFF(SECOND, x.trx_started, NOW()), ' s)') FROM information_schema.INNODB_TRX x JOIN "
    "information_schema.PROCESSLIST p ON p.ID = x.trx_mysql_thread_id WHERE p.ID NOT IN (%lu, CONNECTION_ID()) ORDER "
    "BY "
    "x.trx_started LIMIT 3";

static bool add_names(struct my_conn *conn, const char *sql, struct buf *out)
{
    MYSQL_RES *res = NULL;
    struct sc_error ignored;
    if (my_query(conn, &ignored, &res, sql) != SC_OK)
        return false;
    my_ulonglong rows = mysql_num_rows(res);
    MYSQL_ROW row;
    for (int i = 0; i < NAMED_MOST && (row = mysql_fetch_row(res)); i++)
        buf_printf(out, "%s%s", i ? ", " : "", row[0] ? row[0] : "?");
    if (rows > NAMED_MOST)
        buf_printf(out, " and %llu more", (unsigned long long)(rows - NAMED_MOST));
    mysql_free_result(res);
    return true;
}

static void name_blockers(struct target *t, const struct my_conn *waiting, struct buf *out)
{
    struct buf schema = {0}, name = {0};
    my_add_literal(&schema, t->schema);
    my_add_literal(&name, t->name);
    char *sql = t->server.family == MY_MARIADB
                    ? mem_printf(mariadb_holders, buf_cstr(&schema), buf_cstr(&name), waiting->thread_id)
                    : mem_printf(mysql_holders, buf_cstr(&schema), buf_cstr(&name), waiting->thread_id);
    if (!add_names(t->control, sql, out) || out->len == 0) {
        mem_free(sql);
        sql = mem_printf(transactions, waiting->thread_id);
        add_names(t->control, sql, out);
    }
    mem_free(sql);
    buf_fini(&schema);
    buf_fini(&name);
}

/* --- a statement that is watched
 * ------------------------------------------------------------------------------------------ */

enum sc_result my_send(struct my_conn *conn, const char *sql, struct sc_error *err)
{
    conn->error = 0;
    return mysql_send_query(conn->my, sql, (unsigned long)strlen(sql)) == 0 ? SC_OK : my_failed(conn, err);
}

bool my_answered(struct my_conn *conn, int timeout_ms)
{
    struct pollfd p = {.fd = my_library_socket(conn->my), .events = POLLIN};
    int64_t deadline = clock_us() + (int64_t)timeout_ms * 1000;
    for (;;) {
        int64_t left_ms = (deadline - clock_us() + 999) / 1000;
        int got = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0);
        if (got > 0 || left_ms <= 0)
            return got > 0;
    }
}

enum sc_result my_read_answer(struct my_conn *conn, struct sc_error *err)
{
    return mysql_read_query_result(conn->my) == 0 ? SC_OK : my_failed(conn, err);
}

void my_interrupt(struct target *t, const struct my_conn *conn)
{
    struct sc_error ignored;
    my_runf(t->control, &ignored, "KILL QUERY %lu", conn->thread_id);
}

enum sc_result my_run_waiting(struct target *t, struct my_conn *conn, const char *sql, const char *what, int timeout_ms,
                              struct sc_error *err)
{
    enum sc_result result = my_send(conn, sql, err);
    if (result != SC_OK)
        return result;
    int64_t start = clock_us();
    struct buf blockers = {0};
    bool interrupted = false;
    if (!my_answered(conn, timeout_ms * 7 / 10)) {
        name_blockers(t, conn, &blockers);
        int64_t left_ms = timeout_ms - (clock_us() - start) / 1000;
        if (!my_answered(conn, left_ms > 0 ? (int)left_ms : 0)) {
            my_interrupt(t, conn);
            interrupted = true;
            if (!my_answered(conn, END_WITHIN_MS)) {
                conn->lost = true;
                buf_fini(&blockers);
                return error_set(err, SC_RETRY, "a statement that was interrupted does not end");
            }
        }
    }
    result = my_read_answer(conn, err);
    unsigned number = my_errno(conn);
    if (result != SC_OK &&
        (number == ER_LOCK_WAIT_TIMEOUT_NUMBER || (interrupted && number == ER_QUERY_INTERRUPTED_NUMBER)))
        result = error_set(err, SC_RETRY, "the lock on %s was not granted within %d ms%s%s", what, timeout_ms,
                           blockers.len ? "; in the way: " : "", buf_cstr(&blockers));
    buf_fini(&blockers);
    return result;
}
