/* What is stored of a migration: tables _seachange_* in the schema of the table.
 *
 * All are InnoDB, utf8mb4, collation utf8mb4_bin:
 *   _seachange_migration  one row a migration, with its checkpoint (my_checkpoint_write())
 *   _seachange_chunk      id varchar(16), number bigint unsigned, after_key longtext NULL, upto_key longtext NULL,
 *                         row_count bigint unsigned; PRIMARY KEY (id, number). How a key is written is copy.c's.
 *   _seachange_todo       id varchar(16), number int, stage int, name text, statement longtext, done tinyint;
 *                         PRIMARY KEY (id, number)
 *   _seachange_part       id varchar(16), part int, parts int, step int, steps int, last_order bigint unsigned,
 *                         last_text varchar(512), last_changes bigint unsigned; PRIMARY KEY (id, part)
 *   _seachange_marker     id varchar(16) PRIMARY KEY, text varchar(255) */
#ifndef SC_APPLIER_MYSQL_STATE_H
#define SC_APPLIER_MYSQL_STATE_H

#include "applier/mysql/target.h"

/* The form of the stored state. A newer one than ours is refused, older ones are read (correctness C3). */
#define STATE_FORMAT 1

/* Takes the migration's lock (GET_LOCK, on t->control) and looks for a stored migration of this table (or spec.id).
 * Fills t->migration, names and, when one is stored, everything else. Writes nothing. */
enum sc_result my_begin(struct target *t, struct sc_error *err);

/* Stores the phase; the first call (PHASE_PREPARE of a new migration) makes the tables and the row. */
enum sc_result my_enter_phase(struct target *t, enum phase phase, struct sc_error *err);

/* Lock still held, server and source table as they were? */
enum sc_result my_check(struct target *t, struct sc_error *err);

/* Gives the names that follow from an id: ghost, old table, stage table, message prefix. t->name must be set. */
void my_name_objects(struct target *t, const char *id);

/* Loads the checkpoint into t->migration. */
enum sc_result my_checkpoint_read(struct target *t, struct my_conn *conn, struct sc_error *err);
enum sc_result my_checkpoint_load(struct session *s, struct sc_error *err);
enum sc_result my_fence_store(struct session *s, const struct position *fence, struct sc_error *err);

/* A column of a result by its name: NULL where it is NULL (or not there), and 0. `row` is the current row. */
const char *my_column_text(MYSQL_RES *res, MYSQL_ROW row, const char *name);
uint64_t my_column_number(MYSQL_RES *res, MYSQL_ROW row, const char *name);

const char *phase_stored_name(enum phase phase);
bool phase_from_stored(const char *name, enum phase *phase);

#endif
