/* The cutover: what both families do around their way of swapping.
 *
 *   lock     nobody writes to the source any more, and everything written is in the log
 *   drain    (driver) a marker is written on another connection, and everything up to it is applied on this one
 *   check    the catalog says of the source what it said when the ghost was made, and nobody holds a snapshot in which
 *            the new table is not yet as it is (snapshots.c)
 *   carry    the drain is committed, the ghost's AUTO_INCREMENT is the source's, triggers are made
 *   swap     both tables change their names at once
 *   foreign  foreign keys out of the table are put on the new one (foreign_run.c)
 *
 * DDL commits, so a swap that fails behind the drain leaves the ghost drained, with its checkpoint: the driver loads it
 * before it goes on. If it is not known how the swap went, the tables tell: the old table's name is the source, or the
 * ghost's name still is the ghost. */
#include "applier/mysql/cutover.h"

#include "applier/mysql/compare.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "applier/mysql/foreign.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/plant.h"

/* The driver looks between batches how long writers have waited, and one batch can take long. */
#define DRAIN_MS 2500

static const struct my_swap_ops *ops_of(const struct session *s)
{
    return s->target->server.family == MY_MARIADB ? &my_swap_mariadb : &my_swap_mysql;
}

void my_add_rename(struct buf *b, const struct target *t)
{
    buf_str(b, "RENAME TABLE ");
    my_add_source(b, t);
    buf_str(b, " TO ");
    my_add_old(b, t);
    buf_str(b, ", ");
    my_add_ghost(b, t);
    buf_str(b, " TO ");
    my_add_source(b, t);
}

enum sc_result my_cutover_ready(struct session *s, struct sc_error *err)
{
    error_init(err);
    if (!s->cutover)
        s->cutover = mem_alloc(sizeof(*s->cutover));
    /* The server counts in whole seconds. */
    int wait_s = PLANTED(D4_WAITS_FOR_LONG) ? 60 : (s->target->spec.lock_timeout_ms + 999) / 1000;
    enum sc_result result = my_sets_open(s, err);
    if (result == SC_OK)
        result = my_runf(s->conn, err, "SET SESSION lock_wait_timeout = %d", wait_s < 1 ? 1 : wait_s);
    if (result == SC_OK)
        result = my_snapshots_before(s, err);
    if (result == SC_OK)
        result = ops_of(s)->ready(s, err);
    if (result == SC_OK)
        result = my_compare_prepare(s, s->cutover->lock, err);
    return result;
}

enum sc_result my_cutover_lock(struct session *s, int timeout_ms, struct sc_error *err)
{
    s->cutover->timeout_ms = timeout_ms;
    error_init(err);
    enum sc_result result = ops_of(s)->lock(s, PLANTED(D4_WAITS_FOR_LONG) ? 60000 : timeout_ms, err);
    s->in_cutover = result == SC_OK;
    s->cutover->locked_us = clock_us();
    return result;
}

bool my_cutover_is_late(const struct session *s)
{
    return clock_us() - s->cutover->locked_us > DRAIN_MS * 1000;
}

/* --- under the lock
 * ------------------------------------------------------------------------------------------------------- */

static enum sc_result check_source(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    char *fingerprint = NULL;
    enum sc_result result = my_fingerprint(s->conn, t->schema, t->name, &fingerprint, err);
    if (result == SC_OK && (!fingerprint || !t->fingerprint || strcmp(fingerprint, t->fingerprint) != 0) &&
        !PLANTED(B9_DEFINITION_NOT_COMPARED) && !PLANTED(B9_DEFINITION_NOT_COMPARED_UNDER_LOCK)) {
        result = error_set(err, SC_FAIL, "somebody changed the definition of table %s.%s while it was being migrated",
                           t->schema, t->name);
        error_hint(err, "Nothing was swapped; the table is as they left it. Run `seachange abort %s` and start again.",
                   t->migration.id);
    }
    mem_free(fingerprint);
    return result;
}

/* Numbers that were given to rows which are gone again must not be given once more. */
static enum sc_result carry_auto_increment(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    struct buf sql = {0};
    buf_str(&sql,
            "SELECT CAST(s.AUTO_INCREMENT AS CHAR) FROM information_schema.TABLES s JOIN information_schema.TABLES "
            "g ON g.TABLE_SCHEMA = s.TABLE_SCHEMA AND g.TABLE_NAME = ");
    my_add_literal(&sql, t->ghost_name);
    buf_str(&sql, " WHERE s.TABLE_SCHEMA = ");
    my_add_literal(&sql, t->schema);
    buf_str(&sql, " AND s.TABLE_NAME = ");
    my_add_literal(&sql, t->name);
    buf_str(&sql, " AND s.AUTO_INCREMENT > g.AUTO_INCREMENT");
    char *next = NULL;
    enum sc_result result = my_value(s->conn, err, &next, buf_cstr(&sql));
    buf_clear(&sql);
    if (result == SC_OK && next && !PLANTED(D8_NUMBERS_NOT_CARRIED)) {
        buf_str(&sql, "ALTER TABLE ");
        my_add_ghost(&sql, t);
        buf_printf(&sql, " AUTO_INCREMENT = %llu", strtoull(next, NULL, 10));
        result = my_run(s->conn, err, buf_cstr(&sql));
    }
    mem_free(next);
    buf_fini(&sql);
    return result;
}

static enum sc_result store_phase(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    struct buf sql = {0};
    buf_str(&sql, "UPDATE ");
    my_add_state(&sql, t, "migration");
    buf_printf(&sql, " SET phase = '%s' WHERE id = '%s' AND token = %" PRIu64, my_phase_stored_name(PHASE_CLEANUP),
               t->migration.id, t->token);
    enum sc_result result = my_run(s->conn, err, buf_cstr(&sql));
    buf_fini(&sql);
    return result == SC_OK ? my_run(s->conn, err, "COMMIT") : result;
}

/* An instance that was taken over swaps nothing, and who would take this one over waits until it has swapped. */
static enum sc_result hold_token(struct session *s, struct sc_error *err)
{
    /* MySQL's session has no autocommit, and BEGIN would give its locks back. */
    enum sc_result result = s->target->server.family == MY_MARIADB ? my_run(s->conn, err, "BEGIN") : SC_OK;
    return result == SC_OK ? my_hold_token(s->target, s->conn, err) : result;
}

enum sc_result my_cutover_swap(struct session *s, struct sc_error *err)
{
    struct target *t = s->target;
    enum sc_result result = check_source(s, err);
    if (result == SC_OK)
        result = my_snapshots_under_lock(s, err);
    FAILPOINT(result, cutover_checked, err);
    if (result == SC_OK)
        result = my_run(s->conn, err, "COMMIT");
    FAILPOINT(result, cutover_after_drain, err);
    if (result == SC_OK)
        result = carry_auto_increment(s, err);
    FAILPOINT(result, cutover_auto_increment_set, err);
    if (result == SC_OK)
        result = my_triggers_make(t, s->conn, err);
    FAILPOINT(result, cutover_triggers_made, err);
    if (result == SC_OK)
        result = hold_token(s, err);
    if (result == SC_OK)
        result = ops_of(s)->swap(s, err);
    if (result == SC_OK) {
        FAILPOINT_PASS(cutover_after_swap);
        my_triggers_swapped(t);
        /* It is done; what is stored of it can be told from the tables. */
        struct sc_error ignored;
        store_phase(s, &ignored);
        FAILPOINT_PASS(cutover_phase_stored);
        my_foreign_swapped(s);
        FAILPOINT_PASS(cutover_before_last_unlock);
        t->migration.phase = PHASE_CLEANUP;
        ops_of(s)->unlock(s);
    } else if (result == SC_UNKNOWN) {
        if (!my_alive(s->conn))
            my_session_lost(t, s->conn);
    } else {
        ops_of(s)->unlock(s);
        error_wrap(err, "nothing was swapped");
    }
    s->in_cutover = false;
    return result;
}

void my_cutover_unlock(struct session *s)
{
    if (s->in_cutover)
        ops_of(s)->unlock(s);
    s->in_cutover = false;
}

void my_cutover_free(struct my_cutover *cutover)
{
    if (!cutover)
        return;
    my_close(cutover->lock);
    my_close(cutover->rename);
    for (int i = 0; i < cutover->nparents; i++)
        my_close(cutover->parents[i]);
    mem_free(cutover->parents);
    mem_free(cutover);
}

/* --- how it went
 * -------------------------------------------------------------------------------------------------------- */

/* Which of the three names are there? The sentry of MariaDB's cutover is not the old table. */
static enum sc_result look(struct target *t, struct my_conn *conn, bool *source, bool *ghost, bool *old,
                           struct sc_error *err)
{
    struct buf sql = {0};
    const char *const names[] = {t->name, t->ghost_name, t->old_name};
    bool *const there[] = {source, ghost, old};
    enum sc_result result = SC_OK;
    for (int i = 0; i < 3 && result == SC_OK; i++) {
        char *one = NULL;
        buf_str(&sql, "SELECT 1 FROM information_schema.TABLES WHERE TABLE_COMMENT <> '" MY_SENTRY_COMMENT
                      "' AND TABLE_SCHEMA = ");
        my_add_literal(&sql, t->schema);
        buf_str(&sql, " AND TABLE_NAME = ");
        my_add_literal(&sql, names[i]);
        result = my_value(conn, err, &one, buf_cstr(&sql));
        *there[i] = one != NULL;
        mem_free(one);
        buf_clear(&sql);
    }
    buf_fini(&sql);
    return result;
}

/* A connection that is gone on our side may still be at work on the server's: only what stands when it is gone there
 * too is the outcome. */
enum sc_result my_cutover_outcome(struct target *t, enum swap_outcome *out, struct sc_error *err)
{
    *out = SWAP_UNPROVEN;
    struct my_conn *conn = NULL;
    bool source = false, ghost = false, old = false;
    enum sc_result result = my_open(&t->server, "outcome", MY_DDL, &conn, err);
    if (result == SC_OK)
        result = my_sessions_wait_lost(t, conn, err);
    FAILPOINT(result, cutover_outcome, err);
    if (result == SC_OK)
        result = look(t, conn, &source, &ghost, &old, err);
    if (result == SC_OK && source && !ghost && old)
        *out = SWAP_DONE;
    else if (result == SC_OK && source && ghost && !old)
        *out = SWAP_NOT_DONE;
    my_close(conn);
    return result;
}
