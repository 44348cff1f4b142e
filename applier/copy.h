/* The copy: workers that take one chunk of the source after the other along the key, each on its own session.
 *
 * Bounds come from the server and go back to it unread (correctness A3); the last chunk is open at its end (A4). A
 * chunk and its record are one transaction, so a copy that was interrupted goes on with exactly what is missing. The
 * size of a chunk follows the time that chunks take. */
#ifndef SC_APPLIER_COPY_H
#define SC_APPLIER_COPY_H

#include <stdint.h>

#include "applier/gate.h"
#include "applier/target.h"

struct copy;

struct copy_config {
    const struct target_ops *ops;
    struct target *target;
    struct gate *gate;
    int workers;
    int64_t chunk_time_ms;
    int64_t give_up_ms; /* retries of one chunk end after this long */
};

struct copy_stats {
    uint64_t rows; /* by this process */
    uint64_t chunks;
    uint64_t chunk_rows; /* size the next chunk will have */
    bool done;
};

/* Loads what is recorded, opens the sessions and starts the workers. */
enum sc_result copy_start(const struct copy_config *config, struct copy **out, struct sc_error *err);
/* Waits for its end. When it is not running any more, SC_OK: all is copied; SC_RETRY: a worker gave up after give_up_ms
 * what may succeed later; else why a worker failed. */
enum sc_result copy_wait(struct copy *copy, int timeout_ms, bool *running, struct sc_error *err);
void copy_stats(struct copy *copy, struct copy_stats *out);
/* Ends after the chunks in flight, and interrupts those that do not end (applier/join.h). NULL is fine. */
void copy_stop(struct copy *copy);

#endif
