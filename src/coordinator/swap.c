/* Driving the cutover: wait until it makes sense, try, and know how it went.
 *
 * A try: park the applier, lock, write a marker, drain up to it on the locking session, swap. A try that fails after
 * changes were drained has taken them out of the spool, so the pipeline is started again at the checkpoint (correctness
 * D6). What cannot be known from the session is asked of the tables. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/plant.h"
#include "coordinator/run.h"

#define PARK_MS 10000
/* Writers wait while it is drained: what takes longer is given up, and tried again when there is less to drain. */
#define DRAIN_MS 2000
#define OUTCOME_TRIES 30
/* How long a try waits for a moment with little to drain, and what that is. */
#define BETTER_MOMENT_MS 5000
#define FEW_RECORDS 2000
/* Reasons that begin alike are the same reason: behind that come ages and process numbers. */
#define SAME_REASON 60

static enum sc_result wait_ms(struct run *r, int64_t ms, struct sc_error *err)
{
    int64_t until = clock_us() + ms * 1000;
    enum sc_result result = SC_OK;
    while (result == SC_OK && clock_us() < until) {
        result = run_tick(r, err);
        clock_sleep_ms(20);
    }
    return result;
}

static enum sc_result wait_for_lag(struct run *r, struct sc_error *err)
{
    for (;;) {
        struct apply_stats stats;
        apply_stats(r->apply, &stats);
        int64_t audit_lag_ms;
        bool audited = run_audit_near(r, &audit_lag_ms);
        if (stats.lag_proven && stats.lag_ms < r->config->max_lag_ms && audited) {
            r->lag_at_cutover_ms = stats.lag_ms;
            run_note(r, NULL);
            return SC_OK;
        }
        if (!audited)
            run_note(r, "the audit is behind: waiting for Kafka");
        enum sc_result result = run_tick(r, err);
        if (result != SC_OK)
            return result;
        clock_sleep_ms(5);
    }
}

static enum sc_result learn_outcome(struct run *r, struct sc_error *err)
{
    struct backoff backoff;
    backoff_init(&backoff, 200, 5000);
    for (int i = 0; i < OUTCOME_TRIES; i++) {
        enum swap_outcome outcome = SWAP_UNPROVEN;
        struct sc_error asked;
        enum sc_result result = r->ops->cutover_outcome(r->target, &outcome, &asked);
        if (result == SC_OK && outcome == SWAP_DONE)
            return SC_OK;
        if (result == SC_OK && outcome == SWAP_NOT_DONE)
            return error_set(err, SC_RETRY, "the connection was lost in the swap, and nothing was swapped");
        log_warn("asking whether the swap was committed: %s", result == SC_OK ? "the tables do not tell" : asked.what);
        clock_sleep_ms(backoff_next_ms(&backoff));
    }
    error_set(err, SC_UNKNOWN, "whether the swap of %s was committed could not be learnt", r->table);
    return error_hint(err,
                      "Run the same command again when the server answers: it looks first which table bears the name.");
}

/* Parks the applier at a moment when few changes wait, if one comes soon: it is under the lock that they are applied.
 */
static enum sc_result park(struct run *r, struct sc_error *err)
{
    int64_t until = clock_us() + BETTER_MOMENT_MS * 1000;
    for (;;) {
        enum sc_result result = wait_for_lag(r, err);
        if (result == SC_OK)
            result = apply_park(r->apply, PARK_MS, err);
        if (result != SC_OK)
            return result;
        struct spool_stats spool;
        spool_stats(r->spool, &spool);
        log_debug("cutover: %llu records wait in the spool", (unsigned long long)(spool.put - spool.taken));
        if (spool.put - spool.taken <= FEW_RECORDS || clock_us() >= until)
            return SC_OK;
        apply_unpark(r->apply);
        clock_sleep_ms(5);
    }
}

/* On success the swap is committed and proven. *spent: changes were taken out of the spool for nothing. */
static enum sc_result try_once(struct run *r, struct session *session, bool *spent, struct sc_error *err)
{
    *spent = false;
    enum sc_result result = park(r, err);
    if (result != SC_OK)
        return result;
    int64_t start = clock_us();
    char marker[64];
    FAILPOINT(result, cutover_before_lock, err);
    if (PLANTED(D1_MARKER_BEFORE_LOCK))
        pipeline_mark(r, MARK_LAST, marker, sizeof(marker), err);
    if (result == SC_OK)
        result = r->ops->cutover_lock(session, r->config->spec.lock_timeout_ms, err);
    if (result == SC_OK) {
        int64_t locked = clock_us();
        r->locked = true;
        FAILPOINT(result, cutover_after_lock, err);
        if (result == SC_OK && !PLANTED(D1_MARKER_BEFORE_LOCK))
            result = pipeline_mark(r, MARK_LAST, marker, sizeof(marker), err);
        FAILPOINT(result, cutover_after_marker, err);
        if (result == SC_OK && !PLANTED(D1_NO_DRAIN)) {
            *spent = true;
            result = apply_drain(r->apply, session, marker, DRAIN_MS, err);
        }
        FAILPOINT(result, cutover_drained, err);
        int64_t drained = clock_us();
        if (result == SC_OK)
            result = run_verify_rest(r, session, err);
        if (result == SC_OK)
            result = r->ops->cutover_swap(session, err);
        else
            r->ops->cutover_unlock(session);
        if (result == SC_UNKNOWN)
            result = PLANTED(D5_LOST_IS_NOT_DONE) ? (err->result = SC_RETRY) : learn_outcome(r, err);
        r->writers_held_ms = (clock_us() - start) / 1000;
        log_debug(
            "cutover: %lld ms until the lock was granted, %lld ms until all changes were applied, %lld ms to swap",
            (long long)(locked - start) / 1000, (long long)(drained - locked) / 1000,
            (long long)(clock_us() - drained) / 1000);
    }
    if (!*spent) {
        run_audit_end(r, NULL); /* the marker may be in the log all the same */
        apply_unpark(r->apply);
    }
    return result;
}

static enum sc_result attempt(struct run *r, struct session **session, struct sc_error *err)
{
    enum sc_result result = wait_for_lag(r, err);
    if (result == SC_OK && !*session)
        result = r->ops->session_open(r->target, "cutover", session, err);
    if (result == SC_OK)
        result = r->ops->cutover_ready(*session, err);
    FAILPOINT(result, cutover_ready, err);
    bool spent = false;
    if (result == SC_OK)
        result = try_once(r, *session, &spent, err);
    if (result == SC_OK || result == SC_UNKNOWN || result == SC_STOP || result == SC_REFUSE)
        return result;
    if (result == SC_RETRY) {
        r->ops->session_close(*session);
        *session = NULL;
    }
    if (spent && result == SC_RETRY && !PLANTED(D6_APPLIER_STAYS_STOPPED)) {
        FAILPOINT_PASS(cutover_before_restart);
        struct sc_error again;
        enum sc_result restarted = pipeline_restart(r, &again);
        if (restarted != SC_OK) {
            *err = again;
            return restarted == SC_RETRY ? SC_STOP : restarted;
        }
    }
    return result;
}

/* Never in the first try that finds somebody in its way, and only when that has gone on for as long as the operator
 * said. Tries that ask for no lock do not count. */
static bool blockers_are_to_end(const struct run *r)
{
    int64_t grace_ms = r->config->spec.kill_blockers_ms;
    return grace_ms > 0 && r->blocked_us && clock_us() - r->blocked_us >= grace_ms * 1000;
}

static enum sc_result watched_attempt(struct run *r, struct session **session, struct sc_error *err)
{
    int64_t begun = clock_us();
    r->locked = false;
    struct blockers blockers = {.end = blockers_are_to_end(r), .ended = &r->ended};
    r->ops->blockers_watch(r->target, &blockers);
    enum sc_result result = attempt(r, session, err);
    r->ops->blockers_watch(r->target, NULL);
    /* Some locks are only asked for when the table is held. */
    if (blockers.met && !r->blocked_us)
        r->blocked_us = begun;
    else if (!blockers.met && r->locked)
        r->blocked_us = 0;
    return result;
}

enum sc_result run_cutover(struct run *r, struct sc_error *err)
{
    struct session *session = NULL;
    struct backoff backoff;
    backoff_init(&backoff, 500, 10000);
    char told[SAME_REASON + 1] = "";
    enum sc_result result;
    for (;;) {
        result = watched_attempt(r, &session, err);
        r->cutover_tries++;
        if (result != SC_RETRY || r->given_up)
            break;
        /* The same reason again is in the progress line; the log has it once. */
        bool again = strncmp(err->what, told, SAME_REASON) == 0;
        log_line(again ? LOG_DEBUG : LOG_WARN, "cutover, try %d: %s%s%s", r->cutover_tries, err->what,
                 err->hint[0] ? ". " : "", err->hint);
        snprintf(told, sizeof(told), "%s", err->what);
        if (r->config->cutover_tries > 0 && r->cutover_tries >= r->config->cutover_tries) {
            error_wrap(err, "the cutover was tried %d times", r->cutover_tries);
            error_hint(err, "Everything is kept; the same command goes on.%s",
                       r->blocked_us && r->config->spec.kill_blockers_ms == 0
                           ? " With --kill-blockers it ends who is in the way."
                           : "");
            break;
        }
        struct sc_error waited;
        run_note(r, err->what);
        if (wait_ms(r, backoff_next_ms(&backoff), &waited) != SC_OK) {
            *err = waited;
            result = waited.result;
            break;
        }
        run_note(r, NULL);
    }
    r->ops->session_close(session);
    return result;
}
