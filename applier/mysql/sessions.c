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

void my_session_enlist(struct session *s)
{
    struct target *t = s->target;
    pthread_mutex_lock(&t->lock);
    s->next = t->sessions;
    t->sessions = s;
    pthread_mutex_unlock(&t->lock);
}

void my_session_strike_off(struct session *s)
{
    struct target *t = s->target;
    pthread_mutex_lock(&t->lock);
    for (struct session **at = &t->sessions; *at; at = &(*at)->next) {
        if (*at == s) {
            *at = s->next;
            break;
        }
    }
    pthread_mutex_unlock(&t->lock);
}

void my_sessions_interrupt(struct target *t)
{
    unsigned long ids[SESSIONS_MOST];
    int count = 0;
    pthread_mutex_lock(&t->lock);
    for (struct session *s = t->sessions; s && count < SESSIONS_MOST; s = s->next)
        ids[count++] = s->conn->thread_id;
    pthread_mutex_unlock(&t->lock);
    struct sc_error err;
    for (int i = 0; i < count; i++)
        if (my_runf(t->control, &err, "KILL QUERY %lu", ids[i]) != SC_OK)
            log_debug("interrupting: %s", err.what);
}

void my_session_lost(struct target *t, const struct my_conn *conn)
{
    pthread_mutex_lock(&t->lock);
    t->lost = mem_resize(t->lost, ((size_t)t->nlost + 1) * sizeof(*t->lost));
    t->lost[t->nlost++] = conn->thread_id;
    pthread_mutex_unlock(&t->lock);
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
    enum sc_result result = SC_OK;
    while (result == SC_OK) {
        pthread_mutex_lock(&t->lock);
        uint64_t id = t->nlost > 0 ? t->lost[t->nlost - 1] : 0;
        pthread_mutex_unlock(&t->lock);
        if (!id)
            break;
        result = end_thread(conn, id, err);
        pthread_mutex_lock(&t->lock);
        if (result == SC_OK && t->nlost > 0 && t->lost[t->nlost - 1] == id)
            t->nlost--;
        pthread_mutex_unlock(&t->lock);
    }
    return result;
}

/* One row: our own connection, and who holds each of the locks. */
static enum sc_result holders(struct target *t, MYSQL_RES **res, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "SELECT CONNECTION_ID()");
    for (int i = 0; i < SESSIONS_MOST; i++)
        buf_printf(&sql, ", IS_USED_LOCK('seachange %s %d')", t->migration.id, i);
    enum sc_result result = my_query(t->control, err, res, buf_cstr(&sql));
    buf_fini(&sql);
    return result;
}

enum sc_result my_sessions_any(struct target *t, bool *any, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    enum sc_result result = holders(t, &res, err);
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
    enum sc_result result = holders(t, &res, err);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    for (int i = 1; row && i <= SESSIONS_MOST && result == SC_OK; i++)
        if (row[i] && strtoull(row[i], NULL, 10) != strtoull(row[0], NULL, 10))
            result = end_thread(t->control, strtoull(row[i], NULL, 10), err);
    mysql_free_result(res);
    if (result != SC_OK)
        error_wrap(err, "sessions of an earlier run of migration %s do not end", t->migration.id);
    return result;
}
