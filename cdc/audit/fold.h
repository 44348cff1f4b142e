/* What a history comes to: for each key that is mentioned, the row as the last message left it. Compared with the
 * table, it tells whether the trail and the table agree.
 *
 * Rows are not kept: of each key there are 16 bytes of the SHA-256 of the key, 16 of the row's, and where its last
 * message stands. The memory is limited. A history with more keys than there is room for is folded in several passes
 * over the topic, each over a slice of the keys. No server and no broker. One thread. */
#ifndef SC_CDC_AUDIT_FOLD_H
#define SC_CDC_AUDIT_FOLD_H

#include "cdc/audit/proof.h"

struct audit_fold;

/* Keys whose hash begins with these `bits` bits; 0 bits: all. Slice i of n bits is made of slices 2i and 2i + 1 of n +
 * 1 bits. */
struct audit_slice {
    uint32_t index;
    unsigned bits; /* at most AUDIT_SLICE_BITS */
};
enum { AUDIT_SLICE_BITS = 24 };

/* memory_bytes: at most so much for keys, but at least a few. */
struct audit_fold *audit_fold_new(int32_t partitions, size_t memory_bytes, struct audit_slice slice);
void audit_fold_free(struct audit_fold *fold); /* NULL is fine */

/* One message that was proven to be new (AUDIT_NEW), in the order of its partition. SC_FAIL: no change event. */
enum sc_result audit_fold_take(struct audit_fold *fold, const struct audit_received *message, struct sc_error *err);

/* There were more keys than there is room for: this fold is of no use, and a smaller slice is needed. */
bool audit_fold_full(const struct audit_fold *fold);

struct audit_folded {
    uint64_t set, removed, truncated, tombstones; /* messages of the slice; truncated: of any */
    uint64_t keys;                                /* mentioned since the last TRUNCATE */
    uint64_t rows;                                /* of these, rows that are there at the end */
    uint64_t partial; /* of these, rows of which the log has left out a value: they are not compared */
    bool whole;       /* every row of the table is in the history: it began with a snapshot, or the table was emptied */
};
void audit_fold_result(const struct audit_fold *fold, struct audit_folded *out);

/* --- against the table
 * -------------------------------------------------------------------------------------------------- */

enum audit_row {
    AUDIT_ROW_ELSEWHERE, /* another slice's */
    AUDIT_ROW_SAME,
    AUDIT_ROW_DIFFERENT,
    AUDIT_ROW_REMOVED, /* the history ends with its removal */
    AUDIT_ROW_UNKNOWN, /* the history never mentions it, and is not whole */
    AUDIT_ROW_NEVER,   /* the history is whole, and never mentions it */
    AUDIT_ROW_PARTIAL, /* not compared: the log has left out a value */
    AUDIT_ROW_MISSING, /* not in the table, but in the history (audit_fold_rest()) */
};

/* Where the last message of a key stands; partition -1: there is none. */
struct audit_place {
    int32_t partition;
    int64_t offset;
};

/* A row of the table: its key without schema and its row, as audit_write_key() and audit_write_row() make them. *place
 * may be NULL. */
enum audit_row audit_fold_compare(struct audit_fold *fold, const void *key, size_t key_len, const void *row,
                                  size_t row_len, struct audit_place *place);

/* When all rows of the table were compared: rows that the history has and the table does not. Calls back for each. */
void audit_fold_rest(const struct audit_fold *fold, void (*missing)(void *arg, const struct audit_place *place),
                     void *arg);

#endif
