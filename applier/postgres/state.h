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
/* Shared, with the same OID, by those who wait for that lock and have not seen yet what they wait for. */
#define STATE_WAITING_LOCK 1397052994

/* $1: what the table's name means now, which after a swap is the ghost. */
#define STATE_OPEN_OF_TABLE                                                                                            \
    "phase NOT IN ('done', 'aborted') AND (table_oid = $1::pg_catalog.oid OR (ghost_oid = $1::pg_catalog.oid AND "     \
    "phase IN ('cutover', 'cleanup')))"

/* Takes the migration's lock on t->control and looks for a stored migration of this table (or spec.id). Fills
 * t->migration, names and, when one is stored, everything else. Writes nothing. */
enum sc_result pg_begin(struct target *t, struct sc_error *err);

/* waited.c: another instance holds the lock. */
struct pg_waited {
    Oid ghost; /* its new table, once that is known; 0: it was not waited for, or not seen */
    char id[24];
    bool in_sight;
};
/* One try; and some seconds of them, by which it is learnt what the other one does. SC_REFUSE: it goes on and on. */
enum sc_result pg_try_lock(struct target *t, Oid table, bool *taken, struct sc_error *err);
enum sc_result pg_take_lock(struct target *t, Oid table, struct pg_waited *waited, struct sc_error *err);
/* With the lock on `source`; `named` is what the table's name meant before, `search_path` where it was looked for.
 * PHASE_DONE where the other one has made the same change. SC_RETRY: it did not end it. SC_REFUSE: the table was
 * replaced, and nothing proves that it was by this change. */
enum sc_result pg_judge_another(struct target *t, Oid source, Oid named, char *search_path,
                                const struct pg_waited *waited, struct sc_error *err);
/* Behind the swap, before the row is removed: until those who wait for this instance know its new table, for a short
 * time at most. */
void pg_let_others_see(struct target *t);

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
