/* The functions behind target_ops on MySQL and MariaDB that have no header of their own. See applier/target.h for what
 * each promises. */
#ifndef SC_APPLIER_MYSQL_OPS_H
#define SC_APPLIER_MYSQL_OPS_H

#include "applier/mysql/state.h"
#include "applier/mysql/target.h"

/* --- control ------------------------------------------------------------------------------------------------------ */

/* plan.c */
enum sc_result my_plan(struct target *t, struct plan *plan, struct sc_error *err);

/* prepare.c */
enum sc_result my_prepare(struct target *t, void (*progress)(void *arg, const char *text), void *arg,
                          struct sc_error *err);

/* replica.c: refuses a server to which the table's rows come from another one. */
void my_check_replica(struct target *t, struct plan *plan);

/* others.c */
bool my_others_work(struct session *s, uint64_t *count);

/* jobs.c */
bool my_key_index_ready(struct target *t); /* always: the ghost has its key from the beginning */
enum sc_result my_key_index_build(struct session *s, struct sc_error *err);
int my_stage_count(struct target *t);
int my_stages_early(struct target *t);
int my_stage_jobs(struct target *t, int stage);
const char *my_job_name(struct target *t, int stage, int job);
enum sc_result my_job_run(struct session *s, int stage, int job, struct sc_error *err);

/* grants.c: is the privilege ("TRIGGER") on the table among what SHOW GRANTS tells? */
enum sc_result my_granted(struct target *t, const char *privilege, bool *is, struct sc_error *err);
/* One that can only be had ON *.* */
enum sc_result my_granted_everywhere(struct target *t, const char *privilege, bool *is, struct sc_error *err);

/* triggers.c */
/* Adds what makes the source's triggers on the ghost to t->todo, in MY_STAGE_CUTOVER. */
enum sc_result my_triggers_capture(struct target *t, struct plan *plan, struct sc_error *err);
/* The cutover, in this order: make() behind the drain and under the lock; then the RENAME; then swapped(). Where it
 * ends between make() and swapped(), drop() has to succeed before anything is applied: session_open() sees to it, too.
 * `whatever`: also if this process made none. */
enum sc_result my_triggers_make(struct target *t, struct my_conn *conn, struct sc_error *err);
void my_triggers_swapped(struct target *t);
enum sc_result my_triggers_drop(struct target *t, struct my_conn *conn, bool whatever, struct sc_error *err);

/* sessions.c */
/* Every connection of ours that changes anything is signed when it was opened, so that it can be ended when its process
 * died. session_open() does it for s->conn. */
enum sc_result my_session_sign(struct target *t, struct my_conn *conn, struct sc_error *err);
/* target_ops.interrupt */
void my_sessions_interrupt(struct target *t);
/* Does it hold one of the locks by which t->migration.id's connections are signed? */
enum sc_result my_session_is_ours(struct target *t, struct my_conn *conn, uint64_t id, bool *is, struct sc_error *err);
/* Its connection broke: before another takes its place, it is ended on the server, too. */
void my_session_lost(struct target *t, const struct my_conn *conn);
enum sc_result my_sessions_wait_lost(struct target *t, struct my_conn *conn, struct sc_error *err);
/* Is one of t->migration.id's connections there? */
enum sc_result my_sessions_any(struct target *t, bool *any, struct sc_error *err);
/* Ends sessions that an earlier instance of this migration left at work on the server. */
enum sc_result my_end_sessions(struct target *t, struct sc_error *err);

/* remove.c */
enum sc_result my_finish(struct target *t, struct strlist *notes, struct sc_error *err);
enum sc_result my_abort(struct target *t, struct strlist *removed, struct sc_error *err);
/* The tables of the state, where nothing is stored in them. Under my_state_lock(). */
enum sc_result my_remove_empty_state(struct target *t, struct sc_error *err);
/* Drops the ghost of t->migration.id, whatever there is of it; what is not ours stays. */
enum sc_result my_remove_ghost(struct target *t, struct strlist *removed, struct sc_error *err);

/* Before a new migration: what earlier ones of the same table left that were killed before anything was stored. */
enum sc_result my_remove_leftovers(struct target *t, struct sc_error *err);

/* goes_on.c: *why (malloc'd) is why a stored migration, the current row, cannot go on; NULL where that cannot be told.
 * `ghost`: is its new table there? */
enum sc_result my_cannot_go_on(struct target *t, const char *schema, MYSQL_RES *res, MYSQL_ROW row, bool ghost,
                               char **why, struct sc_error *err);

/* list.c */
enum sc_result my_list(struct target *t, struct listed **out, size_t *count, struct sc_error *err);

/* --- data --------------------------------------------------------------------------------------------------------- */

/* marker.c: INSERT INTO _seachange_marker (id, text) ... ON DUPLICATE KEY UPDATE, one row a migration, committed. In a
 * cutover the transaction that is open there is committed with it. */
enum sc_result my_marker(struct session *s, const char *text, struct sc_error *err);
/* target_ops.audit_last_marker: the cutover writes one under the lock, and none is written behind it. */
enum sc_result my_last_marker(struct session *s, char *text, size_t size, struct sc_error *err);

/* copy.c */
enum sc_result my_chunk_bound(struct session *s, const struct key *after, uint64_t rows, struct key **upto,
                              struct sc_error *err);
enum sc_result my_chunk_rows_most(struct session *s, int workers, uint64_t *rows, struct sc_error *err);
enum sc_result my_chunk_copy(struct session *s, const struct chunk *chunk, uint64_t *rows, struct sc_error *err);
enum sc_result my_chunks_load(struct session *s, struct chunk **chunks, size_t *count, struct sc_error *err);
/* Records of chunks in _seachange_<table>. again: it may be recorded already. */
enum sc_result my_chunk_record(struct session *s, const char *table, const struct chunk *chunk, uint64_t rows,
                               bool again, struct sc_error *err);
enum sc_result my_chunks_recorded(struct session *s, const char *table, struct chunk **chunks, size_t *count,
                                  struct sc_error *err);

/* apply.c, parts.c */
enum sc_result my_apply(struct session *s, const struct batch *batch, bool commit, struct sc_error *err);
void my_apply_free(struct my_apply *apply); /* NULL is fine; the session's end drops what it made on the server */
enum sc_result my_parts_steps(struct session *s, bool strict, int *steps, struct sc_error *err);
enum sc_result my_part_apply(struct session *s, const struct batch *batch, const struct parts_cut *cut, int step,
                             struct sc_error *err);
enum sc_result my_parts_end(struct session *s, const struct batch *batch, struct sc_error *err);
enum sc_result my_parts_pending(struct session *s, struct parts_cut *cut, struct sc_error *err);

/* cutover.c and its files. Behind the drain and under the lock, before the RENAME:
 * my_triggers_make(). finish() runs what is in MY_STAGE_POST. my_cutover_free() is called by
 * session_close() before s->conn is closed: gives up what is open, closes the other connections; NULL is fine. */
enum sc_result my_blockers_may_end(struct target *t, struct strlist *refusals, struct sc_error *err);
void my_blockers_watch(struct target *t, struct blockers *blockers);
enum sc_result my_cutover_ready(struct session *s, struct sc_error *err);
enum sc_result my_cutover_lock(struct session *s, int timeout_ms, struct sc_error *err);
enum sc_result my_cutover_swap(struct session *s, struct sc_error *err);
void my_cutover_unlock(struct session *s);
enum sc_result my_cutover_outcome(struct target *t, enum swap_outcome *out, struct sc_error *err);
void my_cutover_free(struct my_cutover *cutover);

/* audit.c */
enum sc_result my_audit_describe(struct session *s, const struct audit_options *options, struct arena *arena,
                                 struct audit_table *out, struct sc_error *err);
/* audit_state.c */
enum sc_result my_audit_load(struct session *s, struct arena *arena, struct audit_stored *out, bool *found,
                             struct sc_error *err);
enum sc_result my_audit_store(struct session *s, const struct audit_stored *stored, struct sc_error *err);

/* audit_rows.c */
struct value;
enum sc_result my_audit_open(struct target *t, struct sc_error *err);
enum sc_result my_audit_rows(struct session *s, const struct chunk *range,
                             enum sc_result (*take)(void *arg, const struct value *row, struct sc_error *err),
                             void *arg, struct sc_error *err);

#endif
