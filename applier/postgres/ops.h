/* The functions behind target_ops on PostgreSQL that have no header of their own. See applier/target.h for what each
 * promises. */
#ifndef SC_APPLIER_POSTGRES_OPS_H
#define SC_APPLIER_POSTGRES_OPS_H

#include "applier/postgres/state.h"
#include "applier/postgres/target.h"

/* plan.c */
enum sc_result pg_plan(struct target *t, struct plan *plan, struct sc_error *err);

/* prepare.c */
enum sc_result pg_prepare(struct target *t, void (*progress)(void *arg, const char *text), void *arg,
                          struct sc_error *err);

/* jobs.c */
bool pg_key_index_ready(struct target *t);
enum sc_result pg_key_index_build(struct session *s, struct sc_error *err);
int pg_stage_count(struct target *t);
int pg_stages_early(struct target *t);
int pg_stage_jobs(struct target *t, int stage);
const char *pg_job_name(struct target *t, int stage, int job);
enum sc_result pg_job_run(struct session *s, int stage, int job, struct sc_error *err);

/* Before the cutover: what is to be let go before the table is locked. */
enum sc_result pg_detach(struct session *s, int lock_timeout_ms, struct sc_error *err);

/* blockers.c */
enum sc_result pg_blockers_may_end(struct target *t, struct strlist *refusals, struct sc_error *err);
void pg_blockers_watch(struct target *t, struct blockers *blockers);

/* target.c */
/* Ends what is left on the server of connections that were lost. */
enum sc_result pg_end_lost(struct target *t, struct pg_conn *conn, struct sc_error *err);

/* lock.c */
enum sc_result pg_cutover_ready(struct session *s, struct sc_error *err);
enum sc_result pg_cutover_lock(struct session *s, int timeout_ms, struct sc_error *err);
void pg_cutover_unlock(struct session *s);

/* cutover.c */
enum sc_result pg_cutover_swap(struct session *s, struct sc_error *err);
enum sc_result pg_cutover_outcome(struct target *t, enum swap_outcome *out, struct sc_error *err);

/* remove.c */
/* Ends sessions that an earlier instance of this migration left at work on the server. */
enum sc_result pg_end_sessions(struct target *t, struct sc_error *err);
enum sc_result pg_finish(struct target *t, struct strlist *notes, struct sc_error *err);
enum sc_result pg_abort(struct target *t, struct strlist *removed, struct sc_error *err);
/* Removes log position, publication and ghost of t->migration.id, whatever there is of them; what is not ours stays. */
enum sc_result pg_remove_objects(struct target *t, struct strlist *removed, struct sc_error *err);

/* list.c */
enum sc_result pg_list(struct target *t, struct listed **out, size_t *count, struct sc_error *err);

/* audit.c */
enum sc_result pg_audit_describe(struct session *s, const struct audit_options *options, struct arena *arena,
                                 struct audit_table *out, struct sc_error *err);
/* audit_state.c */
enum sc_result pg_audit_load(struct session *s, struct arena *arena, struct audit_stored *out, bool *found,
                             struct sc_error *err);
enum sc_result pg_audit_store(struct session *s, const struct audit_stored *stored, struct sc_error *err);
/* In the open transaction of t->control. */
enum sc_result pg_audit_forget(struct target *t, struct sc_error *err);

/* audit_rows.c */
struct value;
enum sc_result pg_audit_open(struct target *t, struct sc_error *err);
enum sc_result pg_audit_rows(struct session *s, const struct chunk *range,
                             enum sc_result (*take)(void *arg, const struct value *row, struct sc_error *err),
                             void *arg, struct sc_error *err);

#endif
