/* Verification as a phase: the walk over both tables, and looking again at what differed, each time behind a marker, so
 * that everything that was changed before has been applied. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "coordinator/run.h"

#define WAIT_MS 100
#define APART_US 200000 /* between two looks at what differs */

/* SC_OK with *running false: each chunk has been looked at. */
static enum sc_result look_at_walk(struct run *r, bool *running, struct sc_error *err)
{
    enum sc_result result = verify_wait(r->verify, *running ? WAIT_MS : 0, running, err);
    if (!*running) {
        r->given_up |= result == SC_RETRY;
        return result;
    }
    return run_tick(r, err);
}

static enum sc_result look_again(struct run *r, struct session **session, struct sc_error *err)
{
    char text[64];
    enum sc_result result = run_mark(r, MARK_PLAIN, text, sizeof(text), err);
    if (result == SC_OK)
        result = run_wait_marker(r, text, err);
    if (result != SC_OK)
        return result;
    if (!*session)
        result = r->ops->session_open(r->target, "verify", session, err);
    if (result == SC_OK)
        result = verify_again(r->verify, *session, err);
    if (result == SC_RETRY) {
        log_debug("verify: %s", err->what);
        r->ops->session_close(*session);
        *session = NULL;
        result = SC_OK; /* a server that is gone is noticed by others */
    }
    return result;
}

static enum sc_result compare(struct run *r, struct session **session, struct sc_error *err)
{
    int64_t looked_us = 0;
    int looks = 0;
    bool running = true;
    for (;;) {
        struct verify_stats stats;
        enum sc_result result = look_at_walk(r, &running, err);
        if (result != SC_OK)
            return result;
        verify_stats(r->verify, &stats);
        if (stats.walked && !stats.suspects)
            return SC_OK;
        if (stats.walked && looks >= VERIFY_STEADY && stats.suspects <= VERIFY_LOCK_MOST) {
            log_info("%" PRIu64
                     " rows were never the same in both tables at one moment; they are compared again in the "
                     "cutover, under its lock",
                     stats.suspects);
            return SC_OK;
        }
        if (stats.steady > VERIFY_LOCK_MOST)
            return verify_differs(r->verify, err);
        /* Behind the walk also when there are none: a chunk of which not all were taken may wait to be looked at again.
         */
        if ((stats.suspects || !running) && clock_us() - looked_us >= APART_US) {
            result = look_again(r, session, err);
            looked_us = clock_us();
            looks = stats.walked ? looks + 1 : 0;
        } else if (!running) {
            clock_sleep_ms(20);
            result = run_tick(r, err);
        }
        if (result != SC_OK)
            return result;
    }
}

enum sc_result run_verify(struct run *r, struct sc_error *err)
{
    struct verify_config config = {.ops = r->ops,
                                   .target = r->target,
                                   .workers = r->config->spec.workers,
                                   .chunk_time_ms = r->config->chunk_time_ms,
                                   .give_up_ms = r->config->give_up_ms,
                                   .recorded = true};
    enum sc_result result = verify_start(&config, &r->verify, err);
    if (result != SC_OK)
        return result;
    struct session *session = NULL;
    result = compare(r, &session, err);
    r->ops->session_close(session);
    verify_end_walk(r->verify);
    struct verify_stats stats;
    verify_stats(r->verify, &stats);
    r->rows_verified += stats.rows;
    return result;
}

enum sc_result run_verify_rest(struct run *r, struct session *session, struct sc_error *err)
{
    if (!r->verify)
        return SC_OK;
    enum sc_result result = SC_OK;
    FAILPOINT(result, verify_under_lock, err);
    if (result == SC_OK)
        result = verify_under_lock(r->verify, session, err);
    if (result == SC_FAIL)
        error_wrap(err, "nothing was swapped");
    return result;
}
