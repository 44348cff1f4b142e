/* A walk along the key of the source: workers that do one chunk after the other, each on its own session.
 *
 * Bounds come from the server and go back to it unread (correctness A3); the last chunk is open at its end (A4). Each
 * begins where the one before ends, so the whole key is covered whatever the bounds are. What is done with a chunk, and
 * how that is recorded, is the caller's; a walk that was interrupted goes on with exactly what is not recorded. The
 * size of a chunk follows the time that chunks take, and the walk gives way to other clients (pace.h). */
#ifndef SC_APPLIER_WALK_H
#define SC_APPLIER_WALK_H

#include <stdint.h>

#include "applier/gate.h"
#include "applier/target.h"

struct walk;

struct walk_config {
    const struct target_ops *ops;
    struct target *target;
    struct gate *gate; /* entered for each chunk; NULL: none is needed */
    const char *role;  /* "copy": of its sessions and in messages */
    int workers;
    bool whole; /* one chunk that is open at both ends: nothing says where others would begin */
    int64_t chunk_time_ms;
    int64_t give_up_ms; /* retries of one chunk end after this long */
    /* What is recorded already, as target_ops.chunks_load(). */
    enum sc_result (*load)(void *arg, struct session *session, struct chunk **chunks, size_t *count,
                           struct sc_error *err);
    /* Likewise: chunks of another walk, whose bounds this one takes as far as they go. NULL: the server is asked for
     * each. */
    enum sc_result (*load_known)(void *arg, struct session *session, struct chunk **chunks, size_t *count,
                                 struct sc_error *err);
    /* Does one chunk; called by several threads. SC_RETRY: again, on a new session. SC_STOP: the walk is to end. */
    enum sc_result (*step)(void *arg, struct walk *walk, struct session *session, const struct chunk *chunk,
                           uint64_t *rows, struct sc_error *err);
    void *arg;
};

struct walk_stats {
    uint64_t rows; /* by this process */
    uint64_t chunks;
    uint64_t chunk_rows; /* size the next chunk will have */
    bool done;
};

/* Loads what is recorded, opens the sessions and starts the workers. */
enum sc_result walk_start(const struct walk_config *config, struct walk **out, struct sc_error *err);
/* Waits for its end. When it is not running any more, SC_OK: all is done; SC_RETRY: a worker gave up after give_up_ms
 * what may succeed later; else why a worker failed. */
enum sc_result walk_wait(struct walk *walk, int timeout_ms, bool *running, struct sc_error *err);
void walk_stats(struct walk *walk, struct walk_stats *out);
/* For a step that waits: it should give up with SC_STOP. */
bool walk_is_stopping(struct walk *walk);
/* Ends after the chunks in flight, and interrupts those that do not end (applier/join.h). NULL is fine. */
void walk_stop(struct walk *walk);

#endif
