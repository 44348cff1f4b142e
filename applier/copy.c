#include "applier/copy.h"

#include "base/failpoint.h"

/* The ops of a target are all that both need, and they outlive the walk. */
static enum sc_result load(void *arg, struct session *session, struct chunk **chunks, size_t *count,
                           struct sc_error *err)
{
    const struct target_ops *ops = arg;
    return ops->chunks_load(session, chunks, count, err);
}

static enum sc_result step(void *arg, struct walk *walk, struct session *session, const struct chunk *chunk,
                           uint64_t *rows, struct sc_error *err)
{
    (void)walk;
    const struct target_ops *ops = arg;
    enum sc_result result = SC_OK;
    FAILPOINT(result, copy_chunk_begin, err);
    if (result == SC_OK)
        result = ops->chunk_copy(session, chunk, rows, err);
    FAILPOINT(result, copy_chunk_committed, err);
    return result;
}

enum sc_result copy_start(const struct copy_config *config, struct walk **out, struct sc_error *err)
{
    struct walk_config walk = {.ops = config->ops,
                               .target = config->target,
                               .gate = config->gate,
                               .role = "copy",
                               .workers = config->workers,
                               .chunk_time_ms = config->chunk_time_ms,
                               .give_up_ms = config->give_up_ms,
                               .load = load,
                               .step = step,
                               .arg = (void *)config->ops};
    return walk_start(&walk, out, err);
}
