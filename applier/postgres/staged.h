/* The statements that bring a staged batch into the ghost, and the pieces they are made of. For stage.c, staged.c and
 * moves.c. */
#ifndef SC_APPLIER_POSTGRES_STAGED_H
#define SC_APPLIER_POSTGRES_STAGED_H

#include "applier/fold.h"
#include "applier/postgres/apply.h"

#define STAGE "pg_temp.seachange_stage"

/* How an operation is called in the staging table: a letter, and the group of an UPDATE or a move. */
enum { STAGED_CODE = 16 };
#define STAGED_KEPT 'k'  /* a move of a row that the ghost has as the log has it: that row goes on at the new key */
#define STAGED_FRESH 'm' /* a move of a row that the ghost may have otherwise: nothing of it is kept */
void staged_code(char out[static STAGED_CODE], char letter, uint32_t group);

/* How many rows were staged for each operation, and of those that are grouped in each group: moves by how they are
 * called. */
struct staged {
    size_t ops[ROW_OPS];
    size_t *updates, *kept, *fresh;
};

enum sc_result pg_staged_delete(struct session *s, const struct batch *batch, const struct staged *staged,
                                struct sc_error *err);
enum sc_result pg_staged_moves(struct session *s, const struct batch *batch, const struct staged *staged,
                               struct sc_error *err);
enum sc_result pg_staged_updates(struct session *s, const struct batch *batch, const struct staged *staged,
                                 struct sc_error *err);
enum sc_result pg_staged_inserts(struct session *s, const struct batch *batch, const struct staged *staged,
                                 struct sc_error *err);

/* Strict, see park.c: makes room among the unique values for what the batch will set. */
enum sc_result pg_park(struct session *s, const struct batch *batch, const struct staged *staged, struct sc_error *err);

/* (SELECT * FROM stage WHERE op `condition`) AS name: looks like the source to the expressions. */
void staged_add(struct buf *sql, const struct target *t, const char *condition);
/* The ghost's key AS "seachange k0", ..., over that. */
void staged_add_keys(struct buf *sql, const struct target *t);
/* "seachange from 0", ...: the columns of the key a row moved from. */
void staged_add_from(struct buf *sql, const struct target *t);
/* , LATERAL (...) AS "seachange row": the ghost's old key AS "seachange k0", ..., of "seachange moved", which has
 * those. */
void staged_add_old_keys(struct buf *sql, const struct session *s);
/* "seachange ghost".key = "seachange row"."seachange k0" AND ... */
void staged_add_match(struct buf *sql, const struct target *t);
/* For pg_mapped_state(): is the logged column's bit set? `mask` may be NULL: none is. */
bool staged_in_mask(const void *mask, int logged);
/* Runs the statement and frees it; with `check` it must find that many rows. */
enum sc_result staged_run(struct session *s, struct buf *sql, const char *what, bool check, uint64_t expected,
                          struct sc_error *err);
/* UPDATE of the rows with this code at their keys: sets what is known, and says whether something is only partly known.
 */
enum sc_result staged_update(struct session *s, const char *code, const uint64_t *mask, bool check, size_t expected,
                             bool *partly, struct sc_error *err);
/* Read-repair of the rows with this code, which are those of the fold's group. */
enum sc_result staged_repair(struct session *s, const struct batch *batch, const char *code, enum row_op op,
                             uint32_t group, struct sc_error *err);

#endif
