/* A batch applied in parts, side by side, each on its own session and in its own transaction: where one connection's
 * share of a busy server is not enough to keep up with many writers.
 *
 * Only batches that are folded, behind the copy: then every operation names its row by key, and rows that depend on
 * each other are in one part. Each part's transaction records that it is in; the checkpoint moves when all are. After a
 * crash in between, exactly the same batch is gathered again, and parts that are in are left out. See
 * docs/internals/ordering.md. */
#ifndef SC_APPLIER_PARTS_H
#define SC_APPLIER_PARTS_H

#include "applier/batch.h"
#include "applier/target.h"

#define PARTS_MOST 8

struct parts; /* the sessions, opened when first needed; where the server gives none, the caller's does the work */

struct parts *parts_new(const struct target_ops *ops, struct target *target);
void parts_free(struct parts *parts); /* NULL is fine */

/* Runs every step of every part; the first part on `first`, in the calling thread. batch->part and batch->parts are set
 * here. A step begins when the one before is in everywhere. SC_RETRY: some parts may be in; calling it again goes on.
 */
enum sc_result parts_run(struct parts *parts, struct session *first, const struct batch *batch,
                         const struct parts_cut *cut, struct sc_error *err);

#endif
