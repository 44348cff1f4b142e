/* What is stored of a migration: tables _seachange_* in the schema of the table.
 *
 * All are InnoDB, utf8mb4, collation utf8mb4_bin:
 *   _seachange_migration  one row a migration, with its checkpoint (my_checkpoint_write()); ghost_identity is what
 *                         cutover.c knows the new table by
 *   _seachange_chunk      id varchar(16), number bigint unsigned, after_key longtext NULL, upto_key longtext NULL,
 *                         row_count bigint unsigned; PRIMARY KEY (id, number). How a key is written is copy.c's.
 *   _seachange_verified   the same, of the chunks that were compared
 *   _seachange_todo       id varchar(16), number int, stage int, name text, statement longtext, done tinyint;
 *                         PRIMARY KEY (id, number)
 *   _seachange_part       id varchar(16), part int, parts int, step int, steps int, last_order bigint unsigned,
 *                         last_text varchar(512), last_changes bigint unsigned; PRIMARY KEY (id, part)
 *   _seachange_marker     id varchar(16) PRIMARY KEY, text varchar(255)
 *   _seachange_audit      where the audit's stream stands (audit_state.c) */
#ifndef SC_APPLIER_MYSQL_STATE_H
#define SC_APPLIER_MYSQL_STATE_H

#include "applier/mysql/target.h"

/* The form of the stored state. A newer one than ours is refused, older ones are read (correctness C3). */
#define STATE_FORMAT 1

/* Takes the migration's lock (GET_LOCK, on t->control) and looks for a stored migration of this table (or spec.id).
 * Fills t->migration, names and, when one is stored, everything else. Writes nothing. */
enum sc_result my_begin(struct target *t, struct sc_error *err);

/* Is anything stored in this schema? */
enum sc_result my_state_exists(struct my_conn *conn, const char *schema, bool *exists, struct sc_error *err);

/* Fills t->schema and t->name from spec.table. SC_REFUSE: no such table. */
enum sc_result my_resolve_table(struct target *t, struct sc_error *err);
/* The same of the name that an option was given; *schema and *found are malloc'd. */
enum sc_result my_resolve_name(struct target *t, const char *option, const char *text, char **schema, char **found,
                               struct sc_error *err);

/* Whoever makes or drops the state tables of a schema holds this lock meanwhile. */
enum sc_result my_state_lock(struct target *t, struct sc_error *err);
void my_state_unlock(struct target *t);

/* Tries for some time to get a lock (GET_LOCK) on t->control; and gives it back. */
enum sc_result my_take_named(struct target *t, const char *name, int64_t within_ms, bool *taken, struct sc_error *err);
void my_release_lock(struct target *t, const char *name);
/* The same of t->lock_name. */
enum sc_result my_take_lock(struct target *t, int64_t within_ms, bool *taken, struct sc_error *err);

/* waited.c: another instance holds the lock. Waits for it, and learns what it does meanwhile. */
struct my_waited {
    struct seen *seen; /* NULL: nobody was waited for */
};
enum sc_result my_wait_for_another(struct target *t, int64_t within_ms, bool *taken, struct my_waited *waited,
                                   struct sc_error *err);
/* With the lock, and what is stored looked for: PHASE_DONE where the other one has made the same change. SC_RETRY: it
 * gave up. SC_REFUSE: somebody has changed the table, and nothing proves that it was this change. */
enum sc_result my_judge_another(struct target *t, const struct my_waited *waited, struct sc_error *err);
void my_waited_fini(struct my_waited *waited);
/* Behind the swap, before the row is removed: until those who wait for this instance have seen it, for a short time at
 * most. */
void my_let_others_see(struct target *t);

/* Every column of _seachange_migration of one row: condition is SQL. *res is the caller's. */
enum sc_result my_state_rows(struct target *t, const char *condition, MYSQL_RES **res, struct sc_error *err);
/* The same of another database that was found to have such a table. SC_OK and NULL: it was dropped since. */
enum sc_result my_state_rows_in(struct target *t, const char *schema, const char *condition, MYSQL_RES **res,
                                struct sc_error *err);

/* Stores the phase; the first call (PHASE_PREPARE of a new migration) makes the tables and the row. */
enum sc_result my_enter_phase(struct target *t, enum phase phase, struct sc_error *err);

/* In conn's open transaction: whoever would take the migration over waits until it has ended. SC_FAIL: somebody has
 * done so; this instance may write nothing more. */
enum sc_result my_hold_token(struct target *t, struct my_conn *conn, struct sc_error *err);

/* Lock still held, server and source table as they were? */
enum sc_result my_check(struct target *t, struct sc_error *err);

/* Gives the names that follow from an id: ghost, old table, stage table, message prefix. t->name must be set. */
void my_name_objects(struct target *t, const char *id);

/* The same, from a new id. */
void my_name_new(struct target *t);

/* Loads the checkpoint into t->migration. */
enum sc_result my_checkpoint_read(struct target *t, struct my_conn *conn, struct sc_error *err);
enum sc_result my_checkpoint_load(struct session *s, struct sc_error *err);
enum sc_result my_fence_store(struct session *s, const struct position *fence, struct sc_error *err);

/* A column of a result by its name: NULL where it is NULL (or not there), and 0. `row` is the current row. */
const char *my_column_text(MYSQL_RES *res, MYSQL_ROW row, const char *name);
uint64_t my_column_number(MYSQL_RES *res, MYSQL_ROW row, const char *name);

/* Stores where the log begins, the key and the fingerprint: with it the ghost is what will be filled. */
enum sc_result my_state_begin_copy(struct target *t, const struct position *start, struct sc_error *err);

const char *my_phase_stored_name(enum phase phase);
bool my_phase_from_stored(const char *name, enum phase *phase);

#endif
