/* Folding: an ordered list of row changes of one table becomes at most one operation a key.
 *
 * Columns are merged one by one, so that a value the log left out as unchanged never hides one that came before. What
 * the row must have been before the batch is remembered from its first change. Why this is right, and where it must not
 * be used (keys whose equality is not that of their text): docs/internals/ordering.md, "Folding". Knows no engine.
 *
 *   for each change: fold_add(); on FOLD_BARRIER apply what was folded, fold_reset(), then apply that change alone
 *   fold_rows(), fold_group_rows(): what to apply; fold_reset()
 *
 * Nothing is copied but keys' and merged rows' `struct value`s: the changes given to fold_add() and the bytes their
 * values point to must stay until fold_reset(). */
#ifndef SC_APPLIER_FOLD_H
#define SC_APPLIER_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "cdc/change.h"

/* In the order in which they are to be applied: what makes room comes before what needs it. */
enum row_op {
    ROW_DELETE,  /* was there, is not */
    ROW_NOTHING, /* was not there, is not: came and went within the batch. Strict: nothing to do. Lenient: a DELETE,
                  * because a chunk that saw the row come but not go may have put it into the ghost */
    ROW_MOVE,    /* the row that was at the key `from` is at `key`, which may be `from` again; values hold what is to be
                  * set, VALUE_UNCHANGED elsewhere. Strict: an UPDATE of the row at `from`. Lenient: the ghost's row at
                  * `from` goes and must not become this one; see docs/internals/ordering.md. What was at `key` before
                  * the batch, or was there within it, is a ROW_DELETE or ROW_NOTHING of its own; `from` has no other
                  * row, unless one was made there (ROW_INSERT). No row moves to the `from` of another */
    ROW_UPDATE,  /* was there and is: values hold what is to be set, VALUE_UNCHANGED elsewhere */
    ROW_REPLACE, /* was there and is, but another row meanwhile (deleted, or moved to another key, and made again):
                  * values complete. Strict: an UPDATE that finds its row. Lenient: an upsert */
    ROW_INSERT,  /* was not there, is: values complete. Strict: an INSERT that finds none. Lenient: an upsert */
    ROW_OPS
};

/* Must the row be there (ROW_MOVE: at `from`) before the batch is applied (strict)? All others must not be there once
 * the operations before theirs are done. */
bool row_expected(enum row_op op);

/* "DELETE", ... for messages */
const char *row_op_name(enum row_op op);

struct folded_row {
    enum row_op op;
    uint32_t group;           /* ROW_UPDATE, ROW_MOVE: which columns are unchanged, see fold_group_mask() */
    uint32_t changes;         /* of the log that came together here */
    uint32_t part;            /* which rows must stay together: a number drawn from the key, the same in every process;
                               * rows that depend on each other in a batch have the same */
    const struct value *key;  /* in the order of key_columns; all VALUE_PRESENT */
    const struct value *from; /* ROW_MOVE: the key it had before the batch; else NULL */
    const struct value
        *values; /* one for each column of the relation, the key's too; NULL for ROW_DELETE and ROW_NOTHING. Never
                  * VALUE_ABSENT; VALUE_UNCHANGED only in ROW_UPDATE and ROW_MOVE, never in a key column */
};

struct fold;

/* key_columns: indexes into the relation's columns, copied. At least one. */
struct fold *fold_new(const uint16_t *key_columns, uint16_t nkey, uint16_t ncolumns);
void fold_free(struct fold *fold);  /* NULL is fine */
void fold_reset(struct fold *fold); /* empty again; keeps memory for the next batch */

enum fold_result {
    FOLD_OK,
    FOLD_BARRIER, /* the change was not taken and the fold is as before: it moves a row, of which not all columns are
                   * known, to a key from which another such row was moved away in this batch. Only their order could
                   * tell the two apart */
    FOLD_FAIL /* err is SC_FAIL: not a row change of this table, a key without value, or a contradiction with what came
               * before (an INSERT of a row that is there, an UPDATE or DELETE of one that is gone). The log never has
               * one, so it is a fault of ours. The fold is as before */
};

/* Only INSERT, UPDATE and DELETE; all else is the caller's (FOLD_FAIL). */
enum fold_result fold_add(struct fold *fold, const struct change *change, struct sc_error *err);

size_t fold_keys(const struct fold *fold);  /* distinct keys so far */
size_t fold_bytes(const struct fold *fold); /* memory for them, without the bytes of the values */

/* All rows with this operation, in the order in which the batch first touched their keys; ROW_UPDATE and ROW_MOVE:
 * group by group. Valid until the next fold_add() or fold_reset(). */
const struct folded_row *const *fold_rows(struct fold *fold, enum row_op op, size_t *count);

/* The rows of ROW_UPDATE, or of ROW_MOVE, by which columns they leave unchanged: one statement may serve a whole group.
 * Groups are shared by both, so a group may have no row of one of them. Valid as above. */
uint32_t fold_groups(struct fold *fold);
const struct folded_row *const *fold_group_rows(struct fold *fold, enum row_op op, uint32_t group, size_t *count);
const uint64_t *fold_group_mask(struct fold *fold,
                                uint32_t group); /* a bit for each column; set: unchanged in all of the group */

static inline bool fold_mask_has(const uint64_t *mask, uint16_t column)
{
    return mask[column / 64] >> (column % 64) & 1;
}

#endif
