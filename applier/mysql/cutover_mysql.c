/* MySQL's cutover, on one session:
 *
 *   lock    LOCK TABLES source WRITE, ghost WRITE, and the state's row, which the drain moves. Nobody can come between
 *           the drain and the swap, because there is no moment in which this session does not hold the source.
 *   drain   (driver) on this session. START TRANSACTION would give the locks back, so autocommit is off instead.
 *   swap    RENAME TABLE source TO old, ghost TO source, which MySQL does under the lock (from 8.0.13 on), all of it or
 *           nothing. Whoever waits for the source wakes up when the locks are given back, and finds the new table.
 *
 * If the connection breaks, the server gives the locks back; what it had done by then the tables tell. */
#include "applier/mysql/cutover.h"

static enum sc_result ready(struct session *s, struct sc_error *err)
{
    (void)s, (void)err;
    return SC_OK;
}

static void unlock(struct session *s)
{
    struct sc_error ignored;
    if (my_alive(s->conn))
        my_run(s->conn, &ignored, "ROLLBACK");
    if (my_alive(s->conn))
        my_run(s->conn, &ignored, "UNLOCK TABLES");
    if (my_alive(s->conn))
        my_run(s->conn, &ignored, "SET SESSION autocommit = 1");
}

static enum sc_result lock(struct session *s, int timeout_ms, struct sc_error *err)
{
    struct target *t = s->target;
    struct buf sql = {0}, what = {0};
    buf_str(&sql, "LOCK TABLES ");
    my_add_source(&sql, t);
    buf_str(&sql, " WRITE, ");
    my_add_ghost(&sql, t);
    buf_str(&sql, " WRITE, ");
    my_add_state(&sql, t, "migration");
    buf_str(&sql, " WRITE");
    buf_printf(&what, "table %s.%s", t->schema, t->name);
    enum sc_result result = my_run(s->conn, err, "SET SESSION autocommit = 0");
    if (result == SC_OK)
        result = my_run_waiting(t, s->conn, buf_cstr(&sql), buf_cstr(&what), timeout_ms, err);
    if (result != SC_OK)
        unlock(s);
    buf_fini(&sql);
    buf_fini(&what);
    return result;
}

static enum sc_result swap(struct session *s, struct sc_error *err)
{
    struct buf sql = {0};
    my_add_rename(&sql, s->target);
    enum sc_result result = my_run(s->conn, err, buf_cstr(&sql));
    buf_fini(&sql);
    if (result != SC_OK && !my_alive(s->conn)) {
        error_wrap(err, "the connection was lost in the swap");
        result = err->result = SC_UNKNOWN;
    }
    return result;
}

const struct my_swap_ops my_swap_mysql = {.ready = ready, .lock = lock, .swap = swap, .unlock = unlock};
