/* A batch: what is applied to the ghost in one transaction, and the checkpoint that goes with it. */
#ifndef SC_APPLIER_BATCH_H
#define SC_APPLIER_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "applier/fold.h"
#include "cdc/change.h"

/* As in the spool, for change_decode(). */
struct batch_change {
    const void *data;
    uint32_t len;
};

struct batch {
    const struct batch_change *changes; /* rows and TRUNCATE, in the order of the log; may be 0 of them (checkpoint
                                         * only) */
    size_t count;
    struct fold *fold;       /* the same changes folded, or NULL: apply them one by one */
    bool strict;             /* behind the fence: every change finds exactly what it expects */
    struct position applied; /* checkpoint after this batch */
    struct position partial; /* as in struct migration; order 0: no transaction is cut in two */
    uint64_t partial_changes;
    bool copying; /* rows may still be copied: whatever is read from the source now is read before a fence is written */
    bool settled; /* lenient, but a marker that was written behind the copy has come back: only rows that were read from
                   * the source after the first `settled_repairs` reads may be ahead of the log */
    uint64_t settled_repairs;
    const uint64_t *xids; /* transactions in this batch, for read-repair */
    size_t nxids;

    /* Side by side: only rows with part % parts == part are meant. parts 0: all. */
    uint32_t part, parts;
};

/* Is the row meant, when the batch is applied in parts? */
static inline bool batch_has(const struct batch *batch, const struct folded_row *row)
{
    return batch->parts == 0 || row->part % batch->parts == batch->part;
}

#endif
