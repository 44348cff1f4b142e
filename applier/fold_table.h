/* What a fold holds: shared by fold.c, which fills it, and fold_rows.c, which arranges it. */
#ifndef SC_APPLIER_FOLD_TABLE_H
#define SC_APPLIER_FOLD_TABLE_H

#include "applier/fold.h"
#include "base/mem.h"

struct entry {
    struct folded_row row; /* op and group are set when rows are asked for */
    struct value *own;     /* what row.values points to when the row is there; kept for when it is there again */
    uint32_t
        origin; /* entry + 1 of the key at which this row was before the batch: it moved, and is not known in full */
    bool was_there, is_there, made_here;
    bool moved_out; /* the row that was here before the batch is another entry's, by its `origin` */
    bool used;      /* the batch had touched the key before the row moved here */
};

/* Empty when the stamp is not the fold's: emptying the table is one addition. */
struct slot {
    uint32_t stamp, tag, entry;
};

struct fold {
    uint16_t nkey, ncolumns, nwords; /* words of a mask */
    uint16_t *key_columns;
    struct value *old_key, *new_key; /* scratch */
    uint64_t seed;
    struct arena arena;

    struct entry *entries; /* in order of first touch */
    size_t nentries, capacity;
    struct slot *slots; /* open addressing, a power of two, at most half full */
    size_t nslots;
    uint32_t stamp;

    /* Made by arrange() in fold_rows.c. */
    bool arranged;
    const struct folded_row **rows; /* by operation, updates by group */
    size_t rows_capacity;
    size_t op_start[ROW_OPS + 1];
    uint64_t *masks; /* nwords for each group */
    size_t masks_capacity;
    size_t *group_start; /* into rows; ngroups + 1 for ROW_MOVE, then as many for ROW_UPDATE */
    size_t group_capacity;
    uint32_t ngroups;
    uint32_t *mask_slots; /* group + 1, 0 empty; open addressing */
    size_t nmask_slots;
};

/* Different ones for different seeds. */
uint64_t fold_hash_bytes(uint64_t seed, const char *p, size_t len);
uint64_t fold_hash_key(const struct fold *fold, const struct value *key, uint64_t seed);

#endif
