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

/* Appends the first column of what the query yields, as a list of at most five. */
enum sc_result pg_name_sessions(struct pg_conn *conn, const char *sql, int nparams, const char *const *params,
                                struct buf *out, struct sc_error *err);

/* snapshots.c: SC_RETRY while a transaction has a snapshot from which the ghost was not filled, or not in step yet. */
enum sc_result pg_snapshots_before(struct session *s, struct sc_error *err);
/* snapshots.c: under the lock. SC_RETRY when a transaction that is open now, and has not come to the table yet, would
 * see it without what was drained under the lock. Waits a moment for such transactions. */
enum sc_result pg_snapshots_under_lock(struct session *s, struct sc_error *err);

/* lock.c: how long the open cutover may still wait for a lock without making anybody else the victim of a deadlock; at
 * least 1. */
int pg_cutover_may_wait_ms(const struct session *s);

#endif
