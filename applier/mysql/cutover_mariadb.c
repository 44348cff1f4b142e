/* MariaDB's cutover. There is no RENAME under LOCK TABLES, so one connection holds the source while another one's
 * RENAME waits for it, and must be the next to get it:
 *
 *   ready   a table of no use, the sentry, is made under the old table's name: while it is there, no RENAME of ours can
 *           succeed, whatever breaks.
 *   lock    The lock connection takes LOCK TABLES source WRITE, sentry WRITE.
 *   drain   (driver) on the session's own connection, committed with the checkpoint.
 *   swap    the rename connection sends RENAME TABLE source TO old, ghost TO source. The server takes the locks of a
 *           RENAME in the order of the names, and the source's sorts first, so the one it waits for is the source's,
 *           and nothing else is held. That it waits is proven: the server shows this very thread at that wait, and
 *           nobody else who waits to change the table and could stand before it.
 *           Only then the lock connection drops the sentry and unlocks. An exclusive lock that waits comes before
 *           everybody who reads or writes, so no change comes between.
 *
 * The lock connection dies before it drops the sentry: the RENAME fails on the sentry. It dies behind that: the RENAME
 * is next, and everything was drained. The rename connection dies: nothing is renamed. Both die: as the first, or as
 * nothing. A reader of the ghost keeps the RENAME waiting while it has the source: it is given up when its time is
 * over, and nothing was renamed. If the wait cannot be proven, the RENAME is ended, and its end proven, before the
 * sentry goes; until then the sentry stays. */
#include <string.h>

#include "applier/mysql/cutover.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/plant.h"

#define PROVE_WITHIN_MS 2000
#define END_WITHIN_MS 20000
#define LOOK_EVERY_MS 2
#define ER_TABLE_EXISTS_NUMBER 1050

static enum sc_result open_conn(struct session *s, const char *role, struct my_conn **conn, struct sc_error *err)
{
    struct target *t = s->target;
    if (*conn && my_alive(*conn))
        return SC_OK;
    if (*conn)
        my_session_lost(t, *conn);
    my_close(*conn);
    *conn = NULL;
    enum sc_result result = my_open(&t->server, role, MY_DDL, conn, err);
    if (result == SC_OK)
        result = my_session_sign(t, *conn, err);
    return result;
}

/* --- the sentry
 * ----------------------------------------------------------------------------------------------------------- */

static enum sc_result sentry_is_ours(struct session *s, struct my_conn *conn, bool *ours, struct sc_error *err)
{
    struct target *t = s->target;
    struct buf sql = {0};
    buf_str(&sql, "SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = ");
    my_add_literal(&sql, t->schema);
    buf_str(&sql, " AND TABLE_NAME = ");
    my_add_literal(&sql, t->old_name);
    char *comment = NULL;
    enum sc_result result = my_value(conn, err, &comment, buf_cstr(&sql));
    *ours = comment && strcmp(comment, MY_SENTRY_COMMENT) == 0;
    mem_free(comment);
    buf_fini(&sql);
    return result;
}

static enum sc_result drop_sentry(struct session *s, struct my_conn *conn, struct sc_error *err)
{
    bool ours = false;
    enum sc_result result = sentry_is_ours(s, conn, &ours, err);
    if (result != SC_OK || !ours)
        return result;
    struct buf sql = {0};
    buf_str(&sql, "DROP TABLE ");
    my_add_old(&sql, s->target);
    result = my_run(conn, err, buf_cstr(&sql));
    buf_fini(&sql);
    return result;
}

static enum sc_result make_sentry(struct session *s, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "CREATE TABLE ");
    my_add_old(&sql, s->target);
    /* The engine that has the least to do when it is dropped: everybody waits then. */
    buf_str(&sql, " (id int) ENGINE=MEMORY COMMENT='" MY_SENTRY_COMMENT "'");
    enum sc_result result = drop_sentry(s, s->conn, err);
    if (result == SC_OK && !PLANTED(D3_NO_SENTRY))
        result = my_run(s->conn, err, buf_cstr(&sql));
    if (result == SC_FAIL && my_errno(s->conn) == ER_TABLE_EXISTS_NUMBER) {
        error_wrap(err, "the old table needs the name %s", s->target->old_name);
        error_hint(err, "Somebody made a table of this name. Rename or drop it; the same command goes on.");
    }
    s->cutover->sentry = result == SC_OK;
    buf_fini(&sql);
    return result;
}

/* --- locking
 * -------------------------------------------------------------------------------------------------------------- */

static enum sc_result ready(struct session *s, struct sc_error *err)
{
    enum sc_result result = open_conn(s, "cutover lock", &s->cutover->lock, err);
    if (result == SC_OK)
        result = open_conn(s, "cutover rename", &s->cutover->rename, err);
    /* RENAME waits as long as it takes to unlock; it is ended from outside. Not so once it has the tables and waits for
     * InnoDB's own lock, which a prepared transaction holds even when its connection is gone. */
    if (result == SC_OK)
        result = my_run(s->cutover->rename, err, "SET SESSION lock_wait_timeout = 60, innodb_lock_wait_timeout = 1");
    if (result == SC_OK)
        result = my_sessions_wait_lost(s->target, s->conn, err);
    if (result == SC_OK)
        result = make_sentry(s, err);
    FAILPOINT(result, sentry_made, err);
    return result;
}

/* The server may not have noticed that it is gone, and would hold the table for as long. */
static void end_lost_lock(struct session *s)
{
    struct my_cutover *c = s->cutover;
    struct sc_error ignored;
    if (!c->lock || my_alive(c->lock))
        return;
    my_session_lost(s->target, c->lock);
    my_sessions_wait_lost(s->target, s->target->control, &ignored);
    my_close(c->lock);
    c->lock = NULL;
}

/* The RENAME is over and can do nothing any more, or the server does not know its thread any more. */
static bool end_rename(struct session *s)
{
    struct my_cutover *c = s->cutover;
    struct target *t = s->target;
    struct sc_error ignored;
    if (!c->renaming)
        return true;
    my_interrupt(t, c->rename);
    if (my_alive(c->rename) && my_answered(c->rename, END_WITHIN_MS)) {
        my_read_answer(c->rename, &ignored);
        c->renaming = !my_alive(c->rename);
    }
    if (c->renaming) {
        c->rename->lost = true;
        my_session_lost(t, c->rename);
        c->renaming = my_sessions_wait_lost(t, t->control, &ignored) != SC_OK;
    }
    return !c->renaming;
}

static void unlock(struct session *s)
{
    struct my_cutover *c = s->cutover;
    struct sc_error ignored;
    if (my_alive(s->conn))
        my_run(s->conn, &ignored, "ROLLBACK");
    bool ended = end_rename(s);
    if (s->target->migration.phase < PHASE_CLEANUP)
        FAILPOINT_PASS(cutover_before_unlock);
    if (c->lock && my_alive(c->lock))
        my_run(c->lock, &ignored, "UNLOCK TABLES");
    end_lost_lock(s);
    if (ended && c->sentry && my_alive(s->conn) && drop_sentry(s, s->conn, &ignored) == SC_OK)
        c->sentry = false;
}

static enum sc_result lock(struct session *s, int timeout_ms, struct sc_error *err)
{
    struct target *t = s->target;
    struct my_cutover *c = s->cutover;
    struct buf sql = {0}, what = {0};
    buf_str(&sql, "LOCK TABLES ");
    my_add_source(&sql, t);
    if (!PLANTED(D3_NO_SENTRY)) {
        buf_str(&sql, " WRITE, ");
        my_add_old(&sql, t);
    }
    buf_str(&sql, " WRITE");
    buf_printf(&what, "table %s.%s", t->schema, t->name);
    enum sc_result result = c->sentry ? SC_OK : make_sentry(s, err);
    if (result == SC_OK)
        result = my_run_waiting(t, c->lock, buf_cstr(&sql), buf_cstr(&what), timeout_ms, err);
    if (result == SC_OK)
        result = my_run(s->conn, err, "BEGIN");
    if (result != SC_OK)
        unlock(s);
    buf_fini(&sql);
    buf_fini(&what);
    return result;
}

/* --- swapping
 * ------------------------------------------------------------------------------------------------------------- */

/* Whoever waits for an exclusive lock already would come before our RENAME. Looked for when it is proven to wait: who
 * comes later stands behind it. */
static enum sc_result check_queue(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    struct buf sql = {0}, like = {0};
    buf_printf(&like, "%%%s%%", t->name);
    buf_str(&sql, "SELECT ID FROM information_schema.PROCESSLIST WHERE STATE = 'Waiting for table metadata lock' AND "
                  "INFO REGEXP '^[[:space:]]*(/[*].*[*]/)?[[:space:]]*(RENAME|DROP|TRUNCATE|CREATE|ALTER|LOCK|OPTIMIZE|"
                  "REPAIR)[[:space:]]' AND INFO LIKE ");
    my_add_literal(&sql, buf_cstr(&like));
    buf_printf(&sql, " AND ID <> %lu LIMIT 1", s->cutover->rename->thread_id);
    char *id = NULL;
    enum sc_result result = my_value(t->control, err, &id, buf_cstr(&sql));
    if (result == SC_OK && id)
        result = error_set(err, SC_RETRY, "connection %s waits to change the table %s.%s", id, t->schema, t->name);
    mem_free(id);
    buf_fini(&sql);
    buf_fini(&like);
    return result;
}

/* The server shows the RENAME's thread waiting for a table's lock: the first it asks for is the source's. */
static enum sc_result prove_waiting(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    struct my_cutover *c = s->cutover;
    int64_t deadline = clock_us() + PROVE_WITHIN_MS * 1000;
    for (;;) {
        char *waits = NULL;
        enum sc_result result =
            my_valuef(t->control, err, &waits,
                      "SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = %lu AND STATE = 'Waiting for table "
                      "metadata lock' AND INFO LIKE 'RENAME TABLE %%'",
                      c->rename->thread_id);
        bool proven = waits != NULL;
        mem_free(waits);
        if (result != SC_OK || (proven && !my_answered(c->rename, 0)))
            return result;
        if (my_answered(c->rename, LOOK_EVERY_MS)) {
            result = my_read_answer(c->rename, err);
            /* Where the connection was lost, the server may get the RENAME only now. */
            c->renaming = !my_alive(c->rename);
            if (result == SC_OK)
                return error_set(err, SC_UNKNOWN, "the swap went ahead while the table should have been locked");
            error_wrap(err, "the tables cannot be swapped");
            return result;
        }
        if (clock_us() > deadline)
            return error_set(err, SC_RETRY, "the swap could not be seen waiting for the table within %d ms",
                             PROVE_WITHIN_MS);
    }
}

/* The table is the RENAME's now, or it waits for somebody who reads the ghost, with everybody waiting for us. */
static enum sc_result finish_rename(struct session *s, struct sc_error *err)
{
    struct my_cutover *c = s->cutover;
    struct target *t = s->target;
    bool interrupted = false;
    struct buf names = {0};
    if (!my_answered_in_time(t, c->rename, true, c->timeout_ms, &names)) {
        my_interrupt(t, c->rename);
        interrupted = true;
        if (!my_answered(c->rename, END_WITHIN_MS))
            c->rename->lost = true;
    }
    enum sc_result result = my_alive(c->rename) ? my_read_answer(c->rename, err) : SC_UNKNOWN;
    if (!my_alive(c->rename)) {
        result = error_set(err, SC_UNKNOWN, "the connection was lost in the swap");
        my_session_lost(t, c->rename);
    } else if (result == SC_FAIL && my_errno(c->rename) == ER_TABLE_EXISTS_NUMBER && c->sentry) {
        result = error_set(err, SC_RETRY, "the connection that held the table was lost before the swap");
    } else if (result != SC_OK && my_errno(c->rename) == ER_LOCK_WAIT_TIMEOUT_NUMBER) {
        error_wrap(err, "a prepared transaction whose connection is gone holds the table");
        error_hint(err, "XA RECOVER shows it; XA COMMIT or XA ROLLBACK it.");
    } else if (result != SC_OK && interrupted) {
        if (t->blockers)
            t->blockers->met = true;
        result =
            error_set(err, SC_RETRY, "somebody reads the new table, and kept it from being swapped within %d ms%s%s",
                      c->timeout_ms, names.len ? "; in the way: " : "", buf_cstr(&names));
    }
    buf_fini(&names);
    c->renaming = false;
    return result;
}

static enum sc_result swap(struct session *s, struct sc_error *err)
{
    struct my_cutover *c = s->cutover;
    struct buf sql = {0}, drop = {0};
    my_add_rename(&sql, s->target);
    buf_str(&drop, "DROP TABLE ");
    my_add_old(&drop, s->target);
    enum sc_result result = SC_OK;
    FAILPOINT(result, rename_before_send, err);
    if (result == SC_OK) {
        c->renaming = true;
        result = my_send(c->rename, buf_cstr(&sql), err);
    }
    FAILPOINT(result, rename_after_send, err);
    if (result == SC_OK && !PLANTED(D3_RENAME_NOT_PROVEN))
        result = prove_waiting(s, err);
    if (result == SC_OK && !PLANTED(D3_QUEUE_NOT_LOOKED_AT))
        result = check_queue(s, err);
    FAILPOINT(result, rename_proven, err);
    if (result == SC_OK && !PLANTED(D3_NO_SENTRY))
        result = my_run(c->lock, err, buf_cstr(&drop));
    buf_fini(&sql);
    buf_fini(&drop);
    if (result == SC_OK) {
        FAILPOINT_PASS(sentry_dropped);
        c->sentry = false;
        /* Lost here, it is ended on the server, which gives the lock back, too. */
        struct sc_error ignored;
        my_run(c->lock, &ignored, "UNLOCK TABLES");
        FAILPOINT_PASS(table_unlocked);
        end_lost_lock(s);
        return finish_rename(s, err);
    }
    /* The lock connection was lost: what becomes of the RENAME is decided by whether the sentry was dropped. */
    if (!my_alive(c->lock) && c->renaming) {
        end_lost_lock(s);
        return finish_rename(s, err);
    }
    return result;
}

const struct my_swap_ops my_swap_mariadb = {.ready = ready, .lock = lock, .swap = swap, .unlock = unlock};
