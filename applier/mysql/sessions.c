/* The sessions of a migration on the server. Each holds a user-level lock whose name has the migration's id and a
 * number, so that a later instance finds those that an earlier one left at work, and ends them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "applier/mysql/ops.h"
#include "base/clock.h"
#include "base/log.h"

#define SESSIONS_MOST 64
#define END_WITHIN_MS 30000
#define ER_NO_SUCH_THREAD 1094

enum sc_result my_session_sign(struct target *t, struct my_conn *conn, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    bool taken = false;
    for (int i = 0; i < SESSIONS_MOST && result == SC_OK && !taken; i++) {
        char *got = NULL;
        result = my_valuef(conn, err, &got, "SELECT GET_LOCK('seachange %s %d', 0)", t->migration.id, i);
        taken = got && got[0] == '1';
        mem_free(got);
    }
    if (result == SC_OK && !taken)
        result = error_set(err, SC_RETRY, "migration %s has %d sessions on the server already", t->migration.id,
                           SESSIONS_MOST);
    return result;
}

void my_sessions_interrupt(struct target *t)
{
    uint64_t *ids;
    size_t count = ids_copy(&t->sessions, &ids);
    struct sc_error err;
    for (size_t i = 0; i < count; i++)
        if (my_runf(t->control, &err, "KILL QUERY %" PRIu64, ids[i]) != SC_OK)
            log_debug("interrupting: %s", err.what);
    mem_free(ids);
}

void my_session_lost(struct target *t, const struct my_conn *conn)
{
    ids_add(&t->lost, conn->thread_id);
}

/* One row: our own connection, and who holds each of the locks. */
static enum sc_result holders(struct target *t, struct my_conn *conn, MYSQL_RES **res, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "SELECT CONNECTION_ID()");
    for (int i = 0; i < SESSIONS_MOST; i++)
        buf_printf(&sql, ", IS_USED_LOCK('seachange %s %d')", t->migration.id, i);
    enum sc_result result = my_query(conn, err, res, buf_cstr(&sql));
    buf_fini(&sql);
    return result;
}

/* A server that was restarted has given the number to somebody else, who does not hold one of the locks. Neither does
 * one that was not signed yet: it has done nothing. */
enum sc_result my_session_is_ours(struct target *t, struct my_conn *conn, uint64_t id, bool *is, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result = holders(t, conn, &res, err);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    *is = false;
    for (int i = 1; row && i <= SESSIONS_MOST; i++)
        *is = *is || (row[i] && strtoull(row[i], NULL, 10) == id);
    mysql_free_result(res);
    return result;
}

/* Until the server does not know it any more. */
static enum sc_result end_thread(struct my_conn *conn, uint64_t id, struct sc_error *err)
{
    int64_t deadline = clock_us() + END_WITHIN_MS * 1000;
    for (;;) {
        enum sc_result result = my_runf(conn, err, "KILL %" PRIu64, id);
        if (result == SC_FAIL && my_errno(conn) == ER_NO_SUCH_THREAD)
            return SC_OK;
        if (result != SC_OK)
            return result;
        if (clock_us() > deadline)
            return error_set(err, SC_RETRY, "a session that lost its connection does not end on the server");
        clock_sleep_ms(20);
    }
}

enum sc_result my_sessions_wait_lost(struct target *t, struct my_conn *conn, struct sc_error *err)
{
    uint64_t *ids;
    size_t count = ids_copy(&t->lost, &ids);
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < count && result == SC_OK; i++) {
        bool ours = false;
        result = my_session_is_ours(t, conn, ids[i], &ours, err);
        if (result == SC_OK && ours)
            result = end_thread(conn, ids[i], err);
        if (result == SC_OK)
            ids_remove(&t->lost, ids[i]);
    }
    mem_free(ids);
    return result;
}

enum sc_result my_sessions_any(struct target *t, bool *any, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result = holders(t, t->control, &res, err);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    *any = false;
    for (int i = 1; row && i <= SESSIONS_MOST; i++)
        *any = *any || row[i];
    mysql_free_result(res);
    return result;
}

enum sc_result my_end_sessions(struct target *t, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result = holders(t, t->control, &res, err);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    for (int i = 1; row && i <= SESSIONS_MOST && result == SC_OK; i++)
        if (row[i] && strtoull(row[i], NULL, 10) != strtoull(row[0], NULL, 10))
            result = end_thread(t->control, strtoull(row[i], NULL, 10), err);
    mysql_free_result(res);
    if (result != SC_OK)
        error_wrap(err, "sessions of an earlier run of migration %s do not end", t->migration.id);
    return result;
}
