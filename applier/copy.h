/* The copy: a walk (walk.h) that copies each chunk into the ghost. A chunk and its record are one transaction, so a
 * copy that was interrupted goes on with exactly what is missing. */
#ifndef SC_APPLIER_COPY_H
#define SC_APPLIER_COPY_H

#include "applier/walk.h"

struct copy_config {
    const struct target_ops *ops;
    struct target *target;
    struct gate *gate;
    int workers;
    int64_t chunk_time_ms;
    int64_t give_up_ms; /* retries of one chunk end after this long */
};

/* What walk_start() promises; everything else is done with the walk. */
enum sc_result copy_start(const struct copy_config *config, struct walk **out, struct sc_error *err);

#endif
