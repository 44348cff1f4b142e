/* Indexes and constraints: the jobs of a stage side by side, one session each. The applier is parked meanwhile: the
 * index builds keep it from writing anyway, and what it would apply waits in the spool. */
#include <pthread.h>
#include <stdio.h>

#include "applier/join.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "coordinator/run.h"

#define PARK_MS 60000
#define PARK_TRY_MS 1000

struct pool {
    struct run *run;
    int stage, jobs;
    pthread_mutex_t lock;
    int next, running, ended;
    int last; /* the job that began last */
    bool failed, given_up;
    enum sc_result result;
    struct sc_error err;
};

static bool has_failed(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    bool failed = p->failed;
    pthread_mutex_unlock(&p->lock);
    return failed;
}

static enum sc_result run_job(struct pool *p, struct session **session, const char *role, int job, struct sc_error *err)
{
    const struct target_ops *ops = p->run->ops;
    struct backoff backoff;
    backoff_init(&backoff, 200, 5000);
    enum sc_result result = SC_RETRY;
    int64_t give_up = clock_us() + p->run->config->give_up_ms * 1000;
    for (int i = 0; i == 0 || (result == SC_RETRY && clock_us() < give_up && !has_failed(p)); i++) {
        if (i > 0) {
            log_warn("%s: %s; trying again", ops->job_name(p->run->target, p->stage, job), err->what);
            ops->session_close(*session);
            *session = NULL;
            clock_sleep_ms(backoff_next_ms(&backoff));
        }
        result = *session ? SC_OK : ops->session_open(p->run->target, role, session, err);
        if (result == SC_OK)
            result = ops->job_run(*session, p->stage, job, err);
    }
    return result;
}

static void *work(void *arg)
{
    struct pool *p = arg;
    struct session *session = NULL;
    struct sc_error err;
    for (;;) {
        pthread_mutex_lock(&p->lock);
        int job = p->failed || p->next >= p->jobs ? -1 : p->next++;
        p->last = job >= 0 ? job : p->last;
        pthread_mutex_unlock(&p->lock);
        if (job < 0)
            break;
        char role[32];
        snprintf(role, sizeof(role), "index %d", job + 1);
        enum sc_result result = run_job(p, &session, role, job, &err);
        pthread_mutex_lock(&p->lock);
        p->ended++;
        if (result != SC_OK && !p->failed) {
            p->failed = true;
            p->given_up = result == SC_RETRY;
            p->result = result;
            p->err = err;
        }
        pthread_mutex_unlock(&p->lock);
    }
    p->run->ops->session_close(session);
    pthread_mutex_lock(&p->lock);
    p->running--;
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void note_jobs(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    int last = p->last, ended = p->ended;
    pthread_mutex_unlock(&p->lock);
    const char *name = p->run->ops->job_name(p->run->target, p->stage, last);
    char text[256];
    if (p->jobs > 1)
        snprintf(text, sizeof(text), "%d of %d done, at %s", ended, p->jobs, name);
    else
        snprintf(text, sizeof(text), "%s", name);
    run_note(p->run, p->jobs > 0 ? text : NULL);
}

static bool still_running(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    bool running = p->running > 0;
    pthread_mutex_unlock(&p->lock);
    return running;
}

static void stop_pool(struct pool *p, enum sc_result result, const struct sc_error *err)
{
    pthread_mutex_lock(&p->lock);
    if (!p->failed) {
        p->failed = true;
        p->result = result;
        p->err = *err;
    }
    pthread_mutex_unlock(&p->lock);
}

static enum sc_result run_stage(struct run *r, int stage, struct sc_error *err)
{
    struct pool p = {
        .run = r, .stage = stage, .jobs = r->ops->stage_jobs(r->target, stage), .lock = PTHREAD_MUTEX_INITIALIZER};
    int wanted = p.jobs < r->config->spec.workers ? p.jobs : r->config->spec.workers;
    pthread_t *threads = mem_array((size_t)wanted + 1, sizeof(*threads));
    int started = 0;
    p.running = wanted;
    for (; started < wanted; started++) {
        if (pthread_create(&threads[started], NULL, work, &p) != 0) {
            pthread_mutex_lock(&p.lock);
            p.running -= wanted - started;
            pthread_mutex_unlock(&p.lock);
            if (started == 0)
                error_set(err, SC_FAIL, "cannot start a thread");
            if (started == 0)
                stop_pool(&p, SC_FAIL, err);
            break;
        }
    }
    /* Where a job fails, those that are under way end first: they need not be done again. */
    enum sc_result result = SC_OK;
    while (result == SC_OK && still_running(&p)) {
        note_jobs(&p);
        result = run_tick(r, err);
        if (result == SC_OK)
            clock_sleep_ms(20);
    }
    if (result != SC_OK)
        stop_pool(&p, result, err);
    join_workers(r->ops, r->target, threads, started);
    mem_free(threads);
    run_note(r, NULL);
    r->given_up |= p.given_up;
    if (p.failed)
        *err = p.err;
    return p.failed ? p.result : SC_OK;
}

/* A batch that is under way ends first. */
static enum sc_result park(struct run *r, struct sc_error *err)
{
    int64_t until = clock_us() + PARK_MS * 1000;
    for (;;) {
        enum sc_result parked = apply_park(r->apply, PARK_TRY_MS, err);
        if (parked != SC_RETRY || clock_us() > until)
            return parked;
        enum sc_result result = run_tick(r, err);
        if (result != SC_OK)
            return result;
    }
}

static enum sc_result run_stages(struct run *r, int stages, struct sc_error *err)
{
    enum sc_result result = park(r, err);
    FAILPOINT(result, index_parked, err);
    for (int stage = 0; stage < stages && result == SC_OK; stage++)
        result = run_stage(r, stage, err);
    FAILPOINT(result, index_built, err);
    apply_unpark(r->apply);
    return result;
}

enum sc_result run_index(struct run *r, struct sc_error *err)
{
    return run_stages(r, r->ops->stage_count(r->target), err);
}

enum sc_result run_index_early(struct run *r, struct sc_error *err)
{
    struct apply_stats apply;
    apply_stats(r->apply, &apply);
    int stages = r->ops->stages_early(r->target);
    return stages == 0 || apply.changes > 0 ? SC_OK : run_stages(r, stages, err);
}
