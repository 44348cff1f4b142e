/* Applying a batch to the ghost on PostgreSQL. apply.c is the transaction around it; stage.c applies a folded batch set
 * by set; ordered.c applies changes one by one in the order of the log; repair.c fetches from the source what the log
 * left out. */
#ifndef SC_APPLIER_POSTGRES_APPLY_H
#define SC_APPLIER_POSTGRES_APPLY_H

#include "applier/batch.h"
#include "applier/postgres/target.h"

enum sc_result pg_apply(struct session *s, const struct batch *batch, bool commit, struct sc_error *err);
enum sc_result pg_visible(struct session *s, const uint64_t *xids, size_t count, bool *all, struct sc_error *err);

enum sc_result pg_parts_steps(struct session *s, bool strict, int *steps, struct sc_error *err);
enum sc_result pg_part_apply(struct session *s, const struct batch *batch, const struct parts_cut *cut, int step,
                             struct sc_error *err);
enum sc_result pg_parts_end(struct session *s, const struct batch *batch, struct sc_error *err);
enum sc_result pg_parts_pending(struct session *s, struct parts_cut *cut, struct sc_error *err);

/* The rest is this folder's. */

/* Deferrable constraints are checked when a batch is committed: the source's own transactions may have ended in between
 * only where they held. */
#define BEGIN_DEFERRED "BEGIN; SET CONSTRAINTS ALL DEFERRED"

/* In the open transaction; fails when another instance has taken over. */
enum sc_result pg_move_checkpoint(struct session *s, const struct batch *batch, struct sc_error *err);
/* Says of a row that does not fit what it means and what to do. Returns `result`. */
enum sc_result pg_apply_explain(const struct session *s, enum sc_result result, struct sc_error *err);

/* What a session needs to apply, made once. */
struct apply_plan {
    struct arena arena;
    const char **stage_types; /* of each logged column: its type, or what its domain is made of, and its collation */
    int *logged_of;           /* source column -> logged column, -1 where the log does not send it */
    char *stage_columns;      /* "c1", "c2", and the columns for the key a row moved from */
    const char *
        *park_types; /* see park.c; of each mapped column that is to be parked: its type. NULL: not needed so far */
    bool parks;
    bool *park_inputs; /* of each logged column: is it the key's, or do columns that are to be parked come from it? */
    struct ordered_statement *statements;
    int nstatements;
    unsigned statement_names; /* ever given */
};
void apply_plan_free(struct apply_plan *plan); /* NULL is fine */

/* Makes the plan and the temporary staging table, outside a transaction. Idempotent. */
enum sc_result pg_stage_open(struct session *s, struct sc_error *err);
/* All of a folded batch, or one half of it: first everything goes away that has to, then everything is set. Between the
 * halves the ghost has fewer rows, and NULL where a unique value changes. */
enum stage_step { STAGE_ALL, STAGE_MAKE_ROOM, STAGE_SET };
/* Applies the folded batch, or its part, in the open transaction. */
enum sc_result pg_stage_apply(struct session *s, const struct batch *batch, enum stage_step step, struct sc_error *err);
/* After a conflict of unique values: learns which columns to keep apart from now on, in the open transaction. */
enum sc_result pg_park_learn(struct session *s, struct sc_error *err);
/* Applies the changes one by one in the open transaction. */
enum sc_result pg_ordered_apply(struct session *s, const struct batch *batch, struct sc_error *err);

/* Is every column that the mapped column reads known, when `unknown(column)` says which logged columns are not? */
enum mapped_state { MAPPED_KNOWN, MAPPED_UNKNOWN, MAPPED_PARTLY };
enum mapped_state pg_mapped_state(const struct session *s, const struct pg_mapped *m,
                                  bool (*unknown)(const void *arg, int logged), const void *arg);
bool pg_mapped_is_key(const struct target *t, int mapped);

/* Which logged columns are not known, as pg_mapped_state() takes it. */
struct unknown {
    bool (*is)(const void *arg, int logged);
    const void *arg;
};

/* Waits until the batch's transactions are visible, then sets those columns of these ghost rows from the source that
 * are only partly known; `rows` is the text of a subquery that yields the source's key columns, with its parameters.
 * Rows that the source does not have any more are left: their end is still to come in the log. With `unknown` NULL,
 * rows missing in the ghost are inserted (lenient), and no other is touched. */
enum sc_result pg_repair(struct session *s, const struct batch *batch, const char *rows, int nparams,
                         const char *const *params, const struct unknown *unknown, struct sc_error *err);

/* Before a batch: forgets which rows were read from the source as far as they cannot be ahead of the log any more. */
void pg_ahead_begin(struct session *s, const struct batch *batch);
/* The row with this key (the source's, in key order) was read from the source by the last pg_repair(). */
void pg_ahead_add(struct session *s, const struct value *key);
/* Is the ghost's row with this key, if it is there, the one the log means, so that it may be moved as it is? */
bool pg_row_exact(const struct session *s, const struct batch *batch, const struct value *key);

/* "the log says 3 rows were updated, the ghost had 2 of them": correctness B5. */
enum sc_result pg_count_differs(const struct session *s, const char *what, uint64_t expected, uint64_t found,
                                struct sc_error *err);

#endif
