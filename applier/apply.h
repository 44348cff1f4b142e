/* The apply: takes changes out of the spool, folds them into batches and applies those to the ghost, each with its
 * checkpoint.
 *
 * One thread. It is the only one that moves the checkpoint, and the only one that tells the source what is durable. The
 * order against the copy is the gate's work; see docs/internals/ordering.md for lenient and strict. */
#ifndef SC_APPLIER_APPLY_H
#define SC_APPLIER_APPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "applier/gate.h"
#include "applier/target.h"
#include "cdc/source.h"
#include "cdc/spool.h"

struct apply;

struct apply_config {
    const struct target_ops *ops;
    struct target *target;
    struct gate *gate;
    struct spool *spool;
    /* A batch is in: everything up to there need not be read again. By the apply's thread. */
    void (*durable)(void *arg, const struct position *upto);
    void *durable_arg;
    int64_t turn_ms;    /* one turn at the gate lasts about this long, and while copying turns are this far apart */
    uint32_t parts;     /* a large batch may be applied on so many sessions side by side; 0 or 1: on one */
    int64_t give_up_ms; /* retries of one batch end after this long */
};

struct apply_stats {
    uint64_t changes; /* applied by this process */
    uint64_t batches;
    uint64_t operations; /* after folding */
    int64_t lag_ms;      /* age of the newest heartbeat that was applied, or of the oldest that was not; -1: none yet */
    struct position applied;
    bool lag_proven; /* a heartbeat has come back: until then the lag can be far greater than the age of the oldest */
    bool fenced;
    bool waiting_visible; /* a transaction that is to be applied is not visible yet */
};

enum sc_result apply_start(const struct apply_config *config, struct apply **out, struct sc_error *err);
/* SC_OK: running. Else why it gave up. */
enum sc_result apply_check(struct apply *apply, struct sc_error *err);
void apply_stats(struct apply *apply, struct apply_stats *out);

/* The copy has ended (or there was none to do): from now on changes are applied as they come. */
void apply_copy_ended(struct apply *apply);

/* Markers, through the log and back. The name of a heartbeat, to be written with target_ops.marker(); lag is measured
 * by it. */
void apply_heartbeat(struct apply *apply, char *text, int size);
/* How long ago that heartbeat was written. false: it is none, or none of this one's. */
bool apply_heartbeat_age(struct apply *apply, const char *text, int64_t *age_ms);
/* Names a marker to wait for; when it comes back everything before it is applied and durable. With `fence` it becomes
 * the fence. */
void apply_expect(struct apply *apply, const char *text, bool fence);
/* SC_OK: it came. SC_RETRY: not within timeout_ms. */
enum sc_result apply_wait_marker(struct apply *apply, const char *text, int timeout_ms, struct sc_error *err);

/* Parks the thread between two batches: no transaction of it is open. SC_RETRY: not within timeout_ms; then it is not
 * parked. */
enum sc_result apply_park(struct apply *apply, int timeout_ms, struct sc_error *err);
void apply_unpark(struct apply *apply);
/* While parked: applies everything up to the marker on the given session, in its open transaction. After it, if that
 * transaction is not committed, the pipeline has to be started again at the checkpoint: what was taken from the spool
 * is gone. */
enum sc_result apply_drain(struct apply *apply, struct session *session, const char *marker, int timeout_ms,
                           struct sc_error *err);

/* Stops and joins. Give the spool a spool_stop() and the gate a gate_close() first. NULL is fine. */
void apply_stop(struct apply *apply);

#endif
