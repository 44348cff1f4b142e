/* The coordinator: a loop over the phases. What each phase leaves behind is in the database, so a run begins wherever
 * the last one ended. */
#include "coordinator/coordinator.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/stop.h"
#include "coordinator/phase.h"
#include "coordinator/publish.h"
#include "coordinator/run.h"
#include "engines.h"

static void name_table(struct run *r, const char *qualified)
{
    mem_free(r->table);
    r->table = mem_strdup(qualified);
}

/* One reason is the error; several are told before it, which then says `several` of them. */
static enum sc_result refuse(const struct strlist *refusals, const char *table, const char *one, const char *several,
                             struct sc_error *err)
{
    if (refusals->count == 1)
        return error_set(err, SC_REFUSE, "%s %s: %s", table, one, refusals->items[0]);
    for (size_t i = 0; i < refusals->count; i++)
        log_line(LOG_ERROR, "%s", refusals->items[i]);
    return refusals->count > 1
               ? error_set(err, SC_REFUSE, "%s %s for these %zu reasons; %s", table, one, refusals->count, several)
               : SC_OK;
}

static enum sc_result preflight(struct run *r, struct sc_error *err)
{
    struct plan plan = {0};
    enum sc_result result = r->ops->plan(r->target, &plan, err);
    for (size_t i = 0; i < plan.warnings.count; i++)
        log_warn("%s", plan.warnings.items[i]);
    if (result == SC_OK)
        result = refuse(&plan.refusals, plan.table ? plan.table : r->config->spec.table, "cannot be migrated",
                        "nothing was touched", err);
    if (plan.table)
        name_table(r, plan.table);
    plan_fini(&plan);
    return result == SC_OK ? run_audit_check(r, err) : result;
}

static void show_wait(void *arg, const char *text)
{
    struct run *r = arg;
    struct sc_error ignored;
    run_note(r, text);
    run_tick(r, &ignored);
}

static enum sc_result prepare(struct run *r, struct sc_error *err)
{
    enum sc_result result = r->ops->prepare(r->target, show_wait, r, err);
    run_note(r, NULL);
    if (result == SC_OK)
        result = run_audit_create(r, err);
    if (result == SC_REFUSE || result == SC_FAIL) {
        /* Nobody else knows of it yet: leave nothing behind. */
        struct strlist removed = {0};
        struct sc_error again;
        if (r->ops->abort(r->target, &removed, &again) != SC_OK)
            error_hint(err,
                       "What was made so far could not be removed: %.200s. `seachange list` shows it, `seachange abort "
                       "%s` removes it.",
                       again.what, r->migration->id);
        strlist_fini(&removed);
    }
    return result;
}

static enum sc_result wait_for_copy(struct run *r, struct sc_error *err)
{
    for (;;) {
        bool running;
        enum sc_result result = walk_wait(r->copy, 100, &running, err);
        if (!running) {
            r->given_up |= result == SC_RETRY;
            return result;
        }
        if ((result = run_tick(r, err)) != SC_OK)
            return result;
    }
}

/* Behind the fence no chunk, and no row that was read from the source in between, has seen what the log still brings
 * (docs/internals/ordering.md). */
static enum sc_result reach_fence(struct run *r, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    while (result == SC_OK && !r->migration->fence.order) {
        char text[64];
        FAILPOINT(result, fence_before_marker, err);
        if (result == SC_OK)
            result = run_mark(r, MARK_FENCE, text, sizeof(text), err);
        FAILPOINT(result, fence_after_marker, err);
        if (result == SC_OK)
            result = run_index_early(r, err);
        if (result == SC_OK)
            result = run_wait_marker(r, text, err);
    }
    return result;
}

static enum sc_result copy(struct run *r, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    if (!r->migration->fence.order) {
        struct copy_config config = {.ops = r->ops,
                                     .target = r->target,
                                     .gate = r->gate,
                                     .workers = r->config->spec.workers,
                                     .chunk_time_ms = r->config->chunk_time_ms,
                                     .give_up_ms = r->config->give_up_ms};
        result = copy_start(&config, &r->copy, err);
        if (result == SC_OK)
            result = wait_for_copy(r, err);
        if (r->copy) {
            struct walk_stats stats;
            walk_stats(r->copy, &stats);
            if (result != SC_OK)
                gate_close(r->gate);
            walk_stop(r->copy);
            r->copy = NULL;
            r->migration->rows_copied += stats.rows;
        }
    }
    if (result != SC_OK)
        return result;
    FAILPOINT_PASS(copy_ended);
    apply_copy_ended(r->apply);
    r->step = "drain";
    run_note(r, "all rows are copied; applying what changed meanwhile");
    result = reach_fence(r, err);
    run_note(r, NULL);
    r->step = NULL;
    return result;
}

static enum sc_result catch_up(struct run *r, struct sc_error *err)
{
    for (;;) {
        struct apply_stats stats;
        apply_stats(r->apply, &stats);
        if (stats.lag_proven && stats.lag_ms < r->config->max_lag_ms)
            return SC_OK;
        enum sc_result result = run_tick(r, err);
        if (result != SC_OK)
            return result;
        clock_sleep_ms(20);
    }
}

static enum sc_result cutover(struct run *r, struct sc_error *err)
{
    return run_cutover(r, err);
}

static enum sc_result cleanup(struct run *r, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    FAILPOINT(result, cleanup_begin, err);
    run_audit_settle(r);
    pipeline_stop(r);
    verify_stop(r->verify);
    r->verify = NULL;
    r->ops->session_close(r->marker);
    r->marker = NULL;
    FAILPOINT(result, cleanup_pipeline_stopped, err);
    if (result == SC_OK)
        result = run_audit_rest(r, err);
    return result == SC_OK ? r->ops->finish(r->target, &r->notes, err) : result;
}

static enum sc_result nothing(struct run *r, struct sc_error *err)
{
    (void)r, (void)err;
    return SC_OK;
}

static const struct {
    enum phase phase;
    enum sc_result (*run)(struct run *r, struct sc_error *err);
    enum phase next;
    bool pipeline; /* the log is read and applied in it */
} steps[] = {
    {PHASE_PREFLIGHT, preflight, PHASE_PREPARE, false},
    {PHASE_PREPARE, prepare, PHASE_COPY, false},
    {PHASE_COPY, copy, PHASE_INDEX, true},
    {PHASE_INDEX, run_index, PHASE_CATCH_UP, true},
    {PHASE_CATCH_UP, catch_up, PHASE_VERIFY, true},
    {PHASE_VERIFY, run_verify, PHASE_READY, true},
    {PHASE_READY, nothing, PHASE_CUTOVER, true},
    {PHASE_CUTOVER, cutover, PHASE_CLEANUP, true},
    {PHASE_CLEANUP, cleanup, PHASE_DONE, false},
};

static enum sc_result run_phases(struct run *r, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && result == SC_OK; i++) {
        if (steps[i].phase < r->migration->phase || (steps[i].phase == PHASE_VERIFY && !r->config->verify))
            continue;
        if (steps[i].phase != r->migration->phase) {
            FAILPOINT(result, phase_before_store, err);
            if (result == SC_OK && steps[i].phase != PHASE_CLEANUP) /* the swap has stored that one */
                result = r->ops->enter_phase(r->target, steps[i].phase, err);
            FAILPOINT(result, phase_stored, err);
            if (result != SC_OK)
                return result;
            r->migration->phase = steps[i].phase;
        }
        log_debug("phase %s: %s", phase_name(steps[i].phase), phase_meaning(steps[i].phase));
        run_show(r);
        if (steps[i].pipeline && !r->apply) {
            result = pipeline_start(r, err);
            if (result == SC_OK && steps[i].phase > PHASE_COPY)
                apply_copy_ended(r->apply);
        }
        if (result == SC_OK)
            result = steps[i].run(r, err);
    }
    return result;
}

/* Before a cutover is tried again it is asked whether the last one went through: its process may have died without
 * hearing. */
static enum sc_result look_at_swap(struct run *r, struct sc_error *err)
{
    if (r->migration->phase != PHASE_CUTOVER)
        return SC_OK;
    enum swap_outcome outcome = SWAP_UNPROVEN;
    enum sc_result result = r->ops->cutover_outcome(r->target, &outcome, err);
    if (result == SC_OK && outcome == SWAP_UNPROVEN)
        result = error_set(err, SC_UNKNOWN, "table %s is neither the old nor the new one; somebody else has changed it",
                           r->config->spec.table);
    return result;
}

/* What is resumed has its preflight behind it, and the option may be new. */
static enum sc_result check_blockers_may_end(struct run *r, struct sc_error *err)
{
    if (r->config->spec.kill_blockers_ms == 0 || r->migration->phase <= PHASE_PREFLIGHT ||
        r->migration->phase >= PHASE_CLEANUP)
        return SC_OK;
    struct strlist refusals = {0};
    enum sc_result result = r->ops->blockers_may_end(r->target, &refusals, err);
    if (result == SC_OK)
        result = refuse(&refusals, r->table ? r->table : r->config->spec.table, "cannot go on with --kill-blockers",
                        "everything is kept", err);
    strlist_fini(&refusals);
    return result;
}

static enum sc_result run_once(struct run *r, struct sc_error *err)
{
    enum sc_result result = r->ops->open(&r->config->spec, &r->target, err);
    if (result == SC_OK)
        result = r->ops->begin(r->target, err);
    if (result == SC_OK) {
        r->migration = r->ops->migration(r->target);
        if (r->migration->table)
            name_table(r, r->migration->table);
        if (r->migration->resumed)
            log_info("migration %s goes on in phase %s", r->migration->id, phase_name(r->migration->phase));
        if (r->migration->phase == PHASE_DONE)
            strlist_add(&r->notes, "another seachange has made this change while this one waited for it");
        r->checked_us = clock_us();
        FAILPOINT(result, run_begun, err);
        if (result == SC_OK)
            result = look_at_swap(r, err);
        /* What was compared and recorded is; what was left to the cutover's lock is known no more. */
        bool ready = r->migration->phase == PHASE_READY || r->migration->phase == PHASE_CUTOVER;
        if (result == SC_OK && ready && r->migration->resumed && !r->swapped)
            r->migration->phase = PHASE_VERIFY;
        if (result == SC_OK)
            result = check_blockers_may_end(r, err);
        if (result == SC_OK && r->migration->phase < PHASE_CUTOVER)
            result = pipeline_check_directory(r, err);
    }
    /* The last thing that cleaning up does was done, and its answer lost: there is no such migration any more. */
    bool over = result == SC_OK && r->swapped && !r->migration->resumed;
    if (result == SC_OK && !over)
        result = run_phases(r, err);
    /* Where the reader failed, that is the reason, and not what the applier makes of it. */
    struct sc_error failure;
    if (result == SC_FAIL && pipeline_check_source(r, &failure) != SC_OK) {
        *err = failure;
        result = failure.result;
    } else if (result == SC_FAIL && pipeline_check_spool(r, &failure) != SC_OK) {
        *err = failure;
        result = failure.result;
    }
    return result;
}

static void close_run(struct run *r)
{
    pipeline_stop(r);
    verify_stop(r->verify);
    r->verify = NULL;
    if (r->target) {
        r->ops->session_close(r->marker);
        r->ops->close(r->target);
    }
    r->marker = NULL;
    r->target = NULL;
    r->migration = NULL;
}

static enum summary_result summary_of(enum sc_result result)
{
    switch (result) {
    case SC_OK:
        return SUMMARY_SWAPPED;
    case SC_REFUSE:
        return SUMMARY_REFUSED;
    case SC_FAIL:
        return SUMMARY_FAILED;
    case SC_UNKNOWN:
        return SUMMARY_UNKNOWN;
    case SC_RETRY:
    case SC_STOP:
    case SC_FENCED:
        break;
    }
    return SUMMARY_INTERRUPTED;
}

static void summarize(struct run *r, enum sc_result result, const char *id, uint64_t rows, const char *old_table)
{
    struct summary_view view = {.result = summary_of(result),
                                .id = id,
                                .table = r->table ? r->table : r->config->spec.table,
                                .rows_copied = rows,
                                .changes_applied = r->changes_before,
                                .rows_verified =
                                    result == SC_OK && (r->rows_verified > 0 || rows == 0) && r->config->verify
                                        ? (int64_t)r->rows_verified
                                        : -1, /* an earlier run has, and knows how many */
                                .duration_ms = (clock_us() - r->began_us) / 1000,
                                .writers_held_ms = r->writers_held_ms,
                                .cutover_tries = r->cutover_tries,
                                .lag_at_cutover_ms = r->lag_at_cutover_ms,
                                .old_table = old_table,
                                .ended = &r->ended,
                                .notes = &r->notes};
    summary_print(&view, r->config->json);
}

enum sc_result coordinator_run(const struct run_config *config, struct sc_error *err)
{
    struct run r = {.config = config,
                    .durable.lock = PTHREAD_MUTEX_INITIALIZER,
                    .ops = config->engine->target,
                    .source_ops = config->engine->source,
                    .began_us = clock_us(),
                    .writers_held_ms = -1,
                    .lag_at_cutover_ms = -1};
    struct backoff backoff;
    backoff_init(&backoff, 1000, 15000);
    int64_t failing_since = 0;
    char id[24] = "";
    uint64_t rows = 0;
    char *old_table = NULL;
    progress_start(config->json, config->progress_interval_ms);
    enum sc_result result;
    for (;;) {
        result = run_once(&r, err);
        bool begun = r.migration != NULL;
        if (begun && r.migration->phase > PHASE_PREFLIGHT) {
            snprintf(id, sizeof(id), "%s", r.migration->id);
            rows = r.migration->rows_copied;
        }
        if (begun && r.migration->old_table) {
            mem_free(old_table);
            old_table = mem_strdup(r.migration->old_table);
        }
        r.swapped |= begun && r.migration->phase >= PHASE_CLEANUP;
        if (result == SC_REFUSE && begun && r.migration->phase <= PHASE_PREPARE)
            id[0] = 0; /* nothing is left of it */
        /* Behind a lost connection everything is as the database has it: begin again from there. A run that never got
         * to begin (wrong host, say) is not worth waiting for. Before the copy and behind the swap nothing is lost by
         * giving up. */
        if (begun && r.migration->phase > PHASE_PREPARE && !r.swapped)
            failing_since = 0;
        close_run(&r);
        if (result != SC_RETRY || (!begun && !failing_since && !id[0]) || stop_requested() ||
            (r.cutover_tries > 0 && !r.swapped) || r.given_up)
            break;
        if (!failing_since)
            failing_since = clock_us();
        if (clock_us() - failing_since > config->give_up_ms * 1000)
            break;
        log_warn("%s; trying again", err->what);
        run_publish_retry(&r, err->what);
        clock_sleep_ms(backoff_next_ms(&backoff));
    }
    progress_end();
    if (r.swapped && result != SC_OK && result != SC_STOP) {
        /* The new table is in its place; what is left to do can be done again. */
        result = err->result = SC_RETRY;
        error_wrap(err, "the tables are swapped, but cleaning up did not end");
        strlist_add(&r.notes, "cleaning up did not end: run the same command again");
    }
    if (result == SC_RETRY || result == SC_STOP)
        error_hint(err, "Nothing is lost. Run the same command again to go on%s%s%s.",
                   id[0] ? ", or `seachange abort " : "", id, id[0] ? "` to remove it" : "");
    if (result == SC_FENCED)
        error_hint(err, "Nothing is lost: the other one goes on with it.");
    if (result == SC_FAIL && id[0])
        error_hint(err, "The source is untouched. `seachange abort %s` removes what is left.", id);
    summarize(&r, r.swapped ? SC_OK : result, id, rows, old_table);
    mem_free(old_table);
    strlist_fini(&r.ended);
    strlist_fini(&r.notes);
    mem_free(r.table);
    mem_free(r.spool_dir);
    return result;
}
