/* The pieces of the cutover: lock.c gets the tables, snapshots.c knows who still looks at them as they were, cutover.c
 * swaps. Used by these, and by their test. */
#ifndef SC_APPLIER_POSTGRES_CUTOVER_H
#define SC_APPLIER_POSTGRES_CUTOVER_H

#include "applier/postgres/target.h"

/* A session for people: who, from which program, in which state, for how long; never what it runs, which can hold
 * values. Of sessions of other roles a role without pg_read_all_stats sees little more than the number. `a` is
 * pg_stat_activity. */
#define SESSION_TEXT                                                                                                   \
    "pg_catalog.concat('pid ', a.pid, ' (', COALESCE(a.usename::pg_catalog.text, a.backend_type, 'unknown'),"          \
    " ', ' || NULLIF(a.application_name, ''), ', ' || NULLIF(COALESCE(a.state, a.backend_type), a.usename), ', "       \
    "transaction open for ' || EXTRACT(epoch FROM pg_catalog.clock_timestamp() - "                                     \
    "a.xact_start)::pg_catalog.int8 || ' s', ')')"

/* Prepared transactions of this database, x, by a lock l of theirs. They have no process; what their locks have in
 * common with the one on their own id is the virtual transaction, which is another number since PostgreSQL 14.1. */
#define PREPARED_LOCKS                                                                                                 \
    "JOIN pg_catalog.pg_locks i ON i.pid IS NULL AND i.locktype = 'transactionid' AND i.virtualtransaction = "         \
    "l.virtualtransaction AND l.pid IS NULL JOIN pg_catalog.pg_prepared_xacts x ON x.transaction = i.transactionid "   \
    "AND x.database = pg_catalog.current_database()"

/* Appends the first column of what the query yields, as a list of at most five. */
enum sc_result pg_name_sessions(struct pg_conn *conn, const char *sql, int nparams, const char *const *params,
                                struct buf *out, struct sc_error *err);

/* lock.c: runs statements of which the last may wait for a lock, for at most timeout_ms by the server's lock_timeout.
 * Shortly before time is up it looks who is in the way, and ends them where that is due. SC_RETRY: not granted; `what`
 * names it. */
enum sc_result pg_run_waiting(struct session *s, const char *sql, const char *what, int timeout_ms,
                              struct sc_error *err);

/* blockers.c: names who keeps `pid` from going on, asked on another connection while it waits. */
void pg_blockers_name(struct target *t, int pid, struct buf *out);
/* Ends those of them who hold what it waits for, until so late. */
void pg_blockers_end(struct target *t, int pid, int64_t until_us);

/* snapshots.c: SC_RETRY while a transaction has a snapshot from which the ghost was not filled, or not in step yet. */
enum sc_result pg_snapshots_before(struct session *s, struct sc_error *err);
/* snapshots.c: under the lock. SC_RETRY when a transaction that is open now, and has not come to the table yet, would
 * see it without what was drained under the lock. Waits a moment for such transactions. */
enum sc_result pg_snapshots_under_lock(struct session *s, struct sc_error *err);

/* lock.c: how long the open cutover may still wait for a lock without making anybody else the victim of a deadlock; at
 * least 1. */
int pg_cutover_may_wait_ms(const struct session *s);

#endif
