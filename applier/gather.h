/* The apply's own state, and its reading side: what the spool holds becomes a batch. Used by apply.c and gather.c only.
 */
#ifndef SC_APPLIER_GATHER_H
#define SC_APPLIER_GATHER_H

#include <pthread.h>

#include "applier/apply.h"
#include "applier/batch.h"
#include "applier/parts.h"

#define MARKERS 8
#define HEARTBEATS 64
#define POLL_MS 50

struct awaited {
    char text[64];
    bool fence, arrived;
    uint64_t repairs; /* before it was written */
};

struct apply {
    struct apply_config config;
    pthread_t thread;
    bool started;

    pthread_mutex_t lock; /* guards what follows, up to the thread's own */
    pthread_cond_t changed;
    bool stopping, park, parked, copy_ended, ended;
    enum sc_result result;
    struct sc_error err;
    struct apply_stats stats;
    struct awaited markers[MARKERS];
    int64_t beats[HEARTBEATS]; /* times of heartbeats written and not back yet, oldest first */
    int nbeats;
    int64_t beat_lag_us; /* of the newest that came back; -1 */

    /* The thread's own (or apply_drain()'s, while it is parked). */
    uint64_t nonce;
    struct session *session;
    struct arena arena;   /* of the batch */
    struct arena decoded; /* the record at hand */
    struct batch_change *changes;
    size_t count, cap, most_changes, most_bytes;
    struct fold *fold;
    bool asked_again; /* the session was lost since the batch was first sent */
    bool visible;     /* every transaction of the batch, when it was last asked */
    bool one_by_one;  /* keys cannot be compared here, or this change has to be applied alone */
    struct row_shape shape;
    uint64_t *xids;
    size_t nxids, xids_cap;
    bool batch_strict;
    struct buf held; /* a record that was read but belongs to the next batch */
    bool has_held;
    struct buf record;

    bool in_transaction, skip_transaction, transaction_strict;
    uint64_t skip_changes, transaction_changes;
    uint64_t transaction_xid;
    struct position transaction_at;
    struct position applied, partial, fence;
    struct position last;  /* of the batch's last change: its transaction ... */
    uint64_t last_changes; /* ... and its number in there */
    struct parts *parts;
    struct parts_cut pending; /* parts > 0: the batch is in in part, and may only be gone on with in parts */
    uint64_t partial_changes;
    bool settled; /* see struct batch */
    uint64_t settled_repairs;
    struct position stored; /* as last committed */
    int64_t first_change_us;
    int64_t beat_us; /* newest heartbeat behind which everything is in the batch; 0: none */
    char marker[64]; /* an awaited marker ends the batch */
    struct position marker_at;
};

bool apply_stopping(struct apply *a);
bool apply_copied(struct apply *a);

/* Empties the batch. */
void gather_clear(struct apply *a);
bool gather_empty(const struct apply *a);
/* Gathers a batch until it is full, a marker ends it, or it is time; an eager one also ends when the spool is empty.
 * until_us 0: takes what is there, and waits for nothing but the rest of a transaction.
 * One that is not full waits for the rest of a transaction until `rest_until_us`, and cuts it in two only then: what is
 * deferrable need not hold in the middle of one. SC_RETRY: nothing came by then. */
enum sc_result gather(struct apply *a, int64_t until_us, int64_t rest_until_us, bool eager, struct sc_error *err);

/* a->lock is held. NULL: nobody waits for it. */
struct awaited *gather_find_marker(struct apply *a, const char *text);

#endif
