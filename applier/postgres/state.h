/* What is stored of a migration: schema seachange in the database of the table. */
#ifndef SC_APPLIER_POSTGRES_STATE_H
#define SC_APPLIER_POSTGRES_STATE_H

#include "applier/postgres/target.h"

/* The form of the stored state. A newer one than ours is refused, older ones are read (correctness C3). */
#define STATE_FORMAT 1

/* Whoever makes or drops the schema holds this advisory lock in that transaction. */
#define STATE_SCHEMA_LOCK "7378697629483820646"
/* The two-key advisory lock of one migration: this and the source table's OID. */
#define STATE_TABLE_LOCK 1397052993

/* Takes the migration's lock on t->control and looks for a stored migration of this table (or spec.id). Fills
 * t->migration, names and, when one is stored, everything else. Writes nothing. */
enum sc_result pg_begin(struct target *t, struct sc_error *err);

/* Stores the phase; the first call (PHASE_PREPARE of a new migration) makes the schema and the row. */
enum sc_result pg_enter_phase(struct target *t, enum phase phase, struct sc_error *err);

/* Lock still held, server and source table as they were? */
enum sc_result pg_check(struct target *t, struct sc_error *err);

/* Gives the names that follow from an id: slot, publication, schemas, message prefix. */
void pg_name_objects(struct target *t, const char *id);

/* In the open transaction of conn: stores where the log begins. */
enum sc_result pg_checkpoint_create(struct target *t, struct pg_conn *conn, const char *lsn, struct sc_error *err);
enum sc_result pg_checkpoint_load(struct session *s, struct sc_error *err);
enum sc_result pg_checkpoint_read(struct target *t, struct pg_conn *conn, struct sc_error *err);
/* Appends the statement that moves the checkpoint; it must change exactly one row, else another instance has taken
 * over. */
void pg_checkpoint_statement(struct buf *b, const struct target *t, const struct position *applied,
                             const struct position *partial, uint64_t partial_changes);
enum sc_result pg_fence_store(struct session *s, const struct position *fence, struct sc_error *err);

/* Is anything stored in this database? SC_REFUSE: by a role whose rights this one lacks. */
enum sc_result pg_state_exists(struct pg_conn *conn, bool *exists, struct sc_error *err);

/* A column of a result by its name: NULL where it is NULL, and 0. */
char *pg_column_text(const PGresult *res, int row, const char *name);
uint64_t pg_column_number(const PGresult *res, int row, const char *name);

const char *phase_stored_name(enum phase phase);
bool phase_from_stored(const char *name, enum phase *phase);

#endif
