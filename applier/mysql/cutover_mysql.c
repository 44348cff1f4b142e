/* MySQL's cutover, on one session:
 *
 *   parents LOCK TABLES ... READ of the tables that foreign keys refer to, each on another connection: the server locks
 * them with the source, behind it. Who has used one of them and waits for the source would be ended as the victim of a
 * deadlock; so nobody may be at work there when the source is asked for. Who holds the source and comes to a parent
 * meanwhile waits for a connection that waits for nothing, and is let go when the time is over. lock    LOCK TABLES
 * source WRITE, ghost WRITE, and the state's row, which the drain moves. Nobody can come between the drain and the
 * swap, because there is no moment in which this session does not hold the source. drain   (driver) on this session.
 * START TRANSACTION would give the locks back, so autocommit is off instead. swap    RENAME TABLE source TO old, ghost
 * TO source, which MySQL does under the lock (from 8.0.13 on), all of it or nothing. Whoever waits for the source wakes
 * up when the locks are given back, and finds the new table.
 *
 * If the connection breaks, the server gives the locks back; what it had done by then the tables tell. */
#include "applier/mysql/cutover.h"

#include "applier/mysql/foreign.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/plant.h"

static int left_ms(int64_t until_us)
{
    int64_t left = (until_us - clock_us()) / 1000;
    return left > 1 ? (int)left : 1;
}

static enum sc_result open_parent(struct target *t, struct my_conn **conn, struct sc_error *err)
{
    if (*conn && my_alive(*conn))
        return SC_OK;
    if (*conn)
        my_session_lost(t, *conn);
    my_close(*conn);
    *conn = NULL;
    enum sc_result result = my_open(&t->server, "cutover parent", MY_DDL, conn, err);
    return result == SC_OK ? my_session_sign(t, *conn, err) : result;
}

static enum sc_result ready(struct session *s, struct sc_error *err)
{
    struct my_cutover *c = s->cutover;
    if (!c->parents) {
        struct strlist names = {0};
        my_foreign_parents(s->target, &names);
        c->nparents = (int)names.count;
        c->parents = mem_alloc((names.count + 1) * sizeof(struct my_conn *));
        strlist_fini(&names);
    }
    enum sc_result result = SC_OK;
    for (int i = 0; i < c->nparents && result == SC_OK; i++)
        result = open_parent(s->target, &c->parents[i], err);
    return result;
}

/* Each on a connection of its own: none waits for one while it holds another. */
static enum sc_result hold_parents(struct session *s, int64_t until, struct sc_error *err)
{
    struct my_cutover *c = s->cutover;
    struct strlist names = {0};
    my_foreign_parents(s->target, &names);
    enum sc_result result = SC_OK;
    for (int i = 0; i < c->nparents && i < (int)names.count && result == SC_OK; i++) {
        char *sql = mem_printf("LOCK TABLES %s READ", names.items[i]);
        char *what = mem_printf("table %s, which a foreign key refers to,", names.items[i]);
        result = my_run_waiting(s->target, c->parents[i], sql, what, left_ms(until), err);
        mem_free(sql);
        mem_free(what);
    }
    strlist_fini(&names);
    return result;
}

/* The server may not have noticed that it is gone, and would hold what it has locked for as long. */
static void end_lost(struct session *s, const struct my_conn *conn)
{
    struct sc_error ignored;
    my_session_lost(s->target, conn);
    my_sessions_wait_lost(s->target, s->target->control, &ignored);
}

/* The session holds them itself by then, or has given up. */
static void release_parents(struct session *s)
{
    struct sc_error ignored;
    for (int i = 0; i < s->cutover->nparents; i++) {
        struct my_conn **parent = &s->cutover->parents[i];
        if (*parent && my_alive(*parent))
            my_run(*parent, &ignored, "UNLOCK TABLES");
        if (*parent && !my_alive(*parent)) {
            end_lost(s, *parent);
            my_close(*parent);
            *parent = NULL;
        }
    }
}

static void unlock(struct session *s)
{
    struct sc_error ignored;
    if (s->target->migration.phase < PHASE_CLEANUP)
        FAILPOINT_PASS(cutover_before_unlock);
    if (my_alive(s->conn))
        my_run(s->conn, &ignored, "ROLLBACK");
    if (my_alive(s->conn))
        my_run(s->conn, &ignored, "UNLOCK TABLES");
    if (my_alive(s->conn))
        my_run(s->conn, &ignored, "SET SESSION autocommit = 1");
    if (!my_alive(s->conn))
        end_lost(s, s->conn);
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
    int64_t until = clock_us() + (int64_t)timeout_ms * 1000;
    enum sc_result result = my_run(s->conn, err, "SET SESSION autocommit = 0");
    if (result == SC_OK)
        result = hold_parents(s, until, err);
    FAILPOINT(result, cutover_parents_locked, err);
    if (result == SC_OK)
        result = my_run_waiting(t, s->conn, buf_cstr(&sql), buf_cstr(&what), left_ms(until), err);
    release_parents(s);
    if (result != SC_OK)
        unlock(s);
    buf_fini(&sql);
    buf_fini(&what);
    return result;
}

/* RENAME also waits for those who only read them. */
static void tell_of_parents(struct session *s, struct sc_error *err)
{
    struct strlist names = {0};
    struct buf list = {0};
    my_foreign_parents(s->target, &names);
    for (size_t i = 0; i < names.count; i++)
        buf_printf(&list, "%s%s", i ? ", " : "", names.items[i]);
    error_wrap(err, "a transaction uses a table that a foreign key refers to (%s)", buf_cstr(&list));
    buf_fini(&list);
    strlist_fini(&names);
}

static enum sc_result swap(struct session *s, struct sc_error *err)
{
    struct buf sql = {0};
    my_add_rename(&sql, s->target);
    enum sc_result result = SC_OK;
    FAILPOINT(result, cutover_before_swap, err);
    if (result == SC_OK && PLANTED(D7_UNLOCKED_BEFORE_RENAME))
        my_run(s->conn, err, "UNLOCK TABLES");
    if (result == SC_OK)
        result = my_run_rename(s->target, s->conn, buf_cstr(&sql), s->cutover->timeout_ms, err);
    buf_fini(&sql);
    if (result == SC_RETRY && my_alive(s->conn) && s->cutover->nparents > 0)
        tell_of_parents(s, err);
    if (result != SC_OK && !my_alive(s->conn)) {
        error_wrap(err, "the connection was lost in the swap");
        result = err->result = SC_UNKNOWN;
    }
    return result;
}

const struct my_swap_ops my_swap_mysql = {.ready = ready, .lock = lock, .swap = swap, .unlock = unlock};
