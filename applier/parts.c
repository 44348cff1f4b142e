#include "applier/parts.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"

struct part {
    const struct target_ops *ops;
    struct target *target;
    struct session *session;
    struct batch batch;
    const struct parts_cut *cut;
    int step;
    pthread_t thread;
    bool started, no_session;
    enum sc_result result;
    struct sc_error err;
};

struct parts {
    struct part part[PARTS_MOST];
};

struct parts *parts_new(const struct target_ops *ops, struct target *target)
{
    struct parts *parts = mem_alloc(sizeof(*parts));
    for (int i = 0; i < PARTS_MOST; i++) {
        parts->part[i].ops = ops;
        parts->part[i].target = target;
    }
    return parts;
}

void parts_free(struct parts *parts)
{
    if (!parts)
        return;
    for (int i = 1; i < PARTS_MOST; i++)
        parts->part[i].ops->session_close(parts->part[i].session);
    mem_free(parts);
}

static void *run(void *arg)
{
    struct part *part = arg;
    char role[32];
    snprintf(role, sizeof(role), "apply %u", part->batch.part + 1);
    part->result = SC_OK;
    if (!part->session) {
        part->result = part->ops->session_open(part->target, role, &part->session, &part->err);
        part->no_session = part->result != SC_OK;
    }
    if (part->result == SC_OK)
        part->result = part->ops->part_apply(part->session, &part->batch, part->cut, part->step, &part->err);
    return NULL;
}

static enum sc_result run_step(struct parts *parts, const struct batch *batch, const struct parts_cut *cut, int step,
                               struct sc_error *err)
{
    for (uint32_t i = 0; i < cut->parts; i++) {
        struct part *part = &parts->part[i];
        part->batch = *batch;
        part->batch.part = i;
        part->batch.parts = cut->parts;
        part->cut = cut;
        part->step = step;
        part->no_session = false;
        error_init(&part->err);
        part->started = i > 0 && pthread_create(&part->thread, NULL, run, part) == 0;
    }
    for (uint32_t i = 0; i < cut->parts; i++)
        if (!parts->part[i].started)
            run(&parts->part[i]);
    for (uint32_t i = 0; i < cut->parts; i++)
        if (parts->part[i].started)
            pthread_join(parts->part[i].thread, NULL);
    /* A server may have no more connections to give: the first one then does the work of those. */
    for (uint32_t i = 1; i < cut->parts && parts->part[0].result == SC_OK; i++) {
        struct part *part = &parts->part[i];
        if (!part->no_session)
            continue;
        part->session = parts->part[0].session;
        run(part);
        part->session = NULL;
    }
    /* What failed for good counts more than what may be tried again. */
    enum sc_result result = SC_OK;
    for (uint32_t i = 0; i < cut->parts; i++) {
        struct part *part = &parts->part[i];
        if (part->result != SC_OK && (result == SC_OK || (result == SC_RETRY && part->result != SC_RETRY))) {
            result = part->result;
            *err = part->err;
        }
        if (part->result == SC_RETRY && i > 0 && part->session) {
            part->ops->session_close(part->session);
            part->session = NULL;
        }
    }
    return result;
}

enum sc_result parts_run(struct parts *parts, struct session *first, const struct batch *batch,
                         const struct parts_cut *cut, struct sc_error *err)
{
    assert(cut->parts > 0 && cut->parts <= PARTS_MOST);
    fold_groups(batch->fold); /* it is arranged once, and only read from here on */
    parts->part[0].session = first;
    enum sc_result result = SC_OK;
    for (int step = 1; step <= cut->steps && result == SC_OK; step++)
        result = run_step(parts, batch, cut, step, err);
    parts->part[0].session = NULL;
    return result;
}
