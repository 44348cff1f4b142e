/* Waiting for a table's lock. Whoever waits for it holds up everybody who comes later, so no wait is long; the server
 * counts such waits in whole seconds only, so they are ended from outside. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "applier/mysql/cutover.h"
#include "base/clock.h"
#include "base/mysql/conn_library.h"

#define ER_QUERY_INTERRUPTED_NUMBER 1317
/* How long an interrupted statement may take to end. */
#define END_WITHIN_MS 20000

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

bool my_answered_in_time(struct target *t, struct my_conn *conn, bool renames, int timeout_ms, struct buf *names)
{
    int64_t until = clock_us() + (int64_t)timeout_ms * 1000;
    if (my_answered(conn, timeout_ms * 7 / 10))
        return true;
    my_blockers_name(t, conn, renames, names);
    if (blockers_due(t->blockers, timeout_ms, t->spec.lock_timeout_ms))
        my_blockers_end(t, conn, renames, until);
    int64_t left_ms = (until - clock_us()) / 1000;
    return my_answered(conn, left_ms > 0 ? (int)left_ms : 0);
}

static enum sc_result not_granted(struct target *t, const char *what, int timeout_ms, struct buf *names,
                                  struct sc_error *err)
{
    if (t->blockers)
        t->blockers->met = true;
    return error_set(err, SC_RETRY, "the lock on %s was not granted within %d ms%s%s", what, timeout_ms,
                     names->len ? "; in the way: " : "", buf_cstr(names));
}

enum sc_result my_run_waiting(struct target *t, struct my_conn *conn, const char *sql, const char *what, int timeout_ms,
                              struct sc_error *err)
{
    enum sc_result result = my_send(conn, sql, err);
    if (result != SC_OK)
        return result;
    struct buf names = {0};
    bool interrupted = !my_answered_in_time(t, conn, false, timeout_ms, &names);
    if (interrupted)
        my_interrupt(t, conn);
    if (interrupted && !my_answered(conn, END_WITHIN_MS)) {
        conn->lost = true;
        buf_fini(&names);
        return error_set(err, SC_RETRY, "a statement that was interrupted does not end");
    }
    result = my_read_answer(conn, err);
    unsigned number = my_errno(conn);
    if (result != SC_OK &&
        (number == ER_LOCK_WAIT_TIMEOUT_NUMBER || (interrupted && number == ER_QUERY_INTERRUPTED_NUMBER)))
        result = not_granted(t, what, timeout_ms, &names, err);
    buf_fini(&names);
    return result;
}

enum sc_result my_run_rename(struct target *t, struct my_conn *conn, const char *sql, int timeout_ms,
                             struct sc_error *err)
{
    enum sc_result result = my_send(conn, sql, err);
    if (result != SC_OK)
        return result;
    struct buf names = {0};
    my_answered_in_time(t, conn, true, timeout_ms, &names);
    result = my_read_answer(conn, err);
    if (result != SC_OK && my_errno(conn) == ER_LOCK_WAIT_TIMEOUT_NUMBER)
        result = not_granted(t, "the tables that are renamed", timeout_ms, &names, err);
    buf_fini(&names);
    return result;
}
