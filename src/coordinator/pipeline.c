/* log -> spool -> apply: started and stopped as one. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/plant.h"
#include "base/stop.h"
#include "coordinator/phase.h"
#include "coordinator/publish.h"
#include "coordinator/run.h"
#include "engines.h"

#define STATUS_INTERVAL_MS 1000
#define HEARTBEAT_US 500000
/* When the moment for the cutover is looked for. */
#define HEARTBEAT_FAST_US 100000
#define MARKER_POLL_MS 50
#define CHECK_US 10000000
/* So often the spool may be unreadable without anything having been applied in between. */
#define UNREADABLE_TIMES 3

static void name_spool(struct run *r)
{
    mem_free(r->spool_dir);
    r->spool_dir = mem_printf("%s/seachange-%s", r->config->spool_dir, r->migration->id);
}

enum sc_result pipeline_check_directory(struct run *r, struct sc_error *err)
{
    name_spool(r);
    if (mkdir(r->spool_dir, 0700) == 0) {
        rmdir(r->spool_dir);
        return SC_OK;
    }
    if (errno == EEXIST)
        return SC_OK;
    error_set(err, SC_REFUSE, "changes cannot be kept in %s: %s", r->config->spool_dir, strerror(errno));
    return error_hint(err, "Nothing was touched. --spool-dir names a directory that exists and can be written to.");
}

enum sc_result pipeline_open_spool(struct run *r, const char *directory, struct spool **out, struct sc_error *err)
{
    const struct run_config *c = r->config;
    struct spool_config spool = {.directory = directory,
                                 .memory_bytes = c->spool_memory_bytes,
                                 .block_bytes = SPOOL_BLOCK_BYTES,
                                 .segment_bytes = SPOOL_SEGMENT_BYTES,
                                 .disk_bytes = c->spool_disk_bytes,
                                 .lock_wait_ms = SPOOL_LOCK_WAIT_MS,
                                 .record_bytes = SPOOL_RECORD_BYTES};
    return spool_open(&spool, out, err);
}

enum sc_result pipeline_start_source(struct run *r, struct spool *spool, const char *end, struct sc_error *err)
{
    struct source_config source;
    const struct position *audited = run_audit_position(r);
    r->ops->source_config(r->target, &source);
    source.status_interval_ms = STATUS_INTERVAL_MS;
    source.give_up_ms = r->config->give_up_ms;
    source.end_marker = end;
    r->durable.applied = source.start;
    r->durable.audits = audited != NULL;
    if (audited) {
        r->durable.audited = *audited;
        if (audited->order < source.start.order && !PLANTED(E2_READ_FROM_THE_APPLIERS_PLACE))
            source.start = *audited;
    }
    return r->source_ops->start(&source, spool, &r->source, err);
}

void run_confirm(struct run *r, const struct position *applied, const struct position *audited)
{
    pthread_mutex_lock(&r->durable.lock);
    if (applied)
        r->durable.applied = *applied;
    if (audited)
        r->durable.audited = *audited;
    if (!applied && !audited)
        r->durable.audits = false;
    bool audit_is_behind = r->durable.audits && r->durable.audited.order < r->durable.applied.order &&
                           !PLANTED(E3_CONFIRMED_FOR_THE_APPLIER_ALONE);
    struct position upto = audit_is_behind ? r->durable.audited : r->durable.applied;
    pthread_mutex_unlock(&r->durable.lock);
    if (r->source)
        r->source_ops->confirm(r->source, &upto);
}

static void applied(void *arg, const struct position *upto)
{
    run_confirm(arg, upto, NULL);
}

enum sc_result pipeline_start(struct run *r, struct sc_error *err)
{
    const struct run_config *c = r->config;
    name_spool(r);
    enum sc_result result = SC_OK;
    FAILPOINT(result, pipeline_before_start, err);
    if (result == SC_OK)
        result = pipeline_open_spool(r, r->spool_dir, &r->spool, err);
    if (result == SC_OK && !r->marker)
        result = r->ops->session_open(r->target, "coordinator", &r->marker, err);
    if (result == SC_OK)
        result = run_audit_open(r, err);
    if (result == SC_OK)
        result = pipeline_start_source(r, r->spool, NULL, err);
    if (result == SC_OK)
        result = run_audit_start(r, NULL, err);
    if (result == SC_OK) {
        r->gate = gate_new();
        struct apply_config apply = {.ops = r->ops,
                                     .target = r->target,
                                     .gate = r->gate,
                                     .spool = r->spool,
                                     .durable = applied,
                                     .durable_arg = r,
                                     .turn_ms = c->chunk_time_ms,
                                     .parts = (uint32_t)c->spec.workers * 2,
                                     .give_up_ms = c->give_up_ms};
        result = apply_start(&apply, &r->apply, err);
    }
    if (result != SC_OK)
        pipeline_stop(r);
    return result;
}

void pipeline_stop(struct run *r)
{
    if (r->gate)
        gate_close(r->gate);
    if (r->spool)
        spool_stop(r->spool);
    walk_stop(r->copy);
    r->copy = NULL;
    if (r->verify)
        verify_end_walk(r->verify);
    if (r->apply) {
        struct apply_stats stats;
        apply_stats(r->apply, &stats);
        r->changes_before += stats.changes;
    }
    apply_stop(r->apply);
    r->apply = NULL;
    run_audit_stop(r);
    if (r->source)
        r->source_ops->stop(r->source);
    r->source = NULL;
    run_audit_close(r);
    spool_close(r->spool);
    r->spool = NULL;
    if (r->spool_dir)
        rmdir(r->spool_dir);
    gate_free(r->gate);
    r->gate = NULL;
}

enum sc_result pipeline_restart(struct run *r, struct sc_error *err)
{
    pipeline_stop(r);
    enum sc_result result = SC_OK;
    if (!r->marker)
        result = r->ops->session_open(r->target, "coordinator", &r->marker, err);
    if (result == SC_OK && !PLANTED(D6_STALE_CHECKPOINT))
        result = r->ops->checkpoint_load(r->marker, err);
    if (result == SC_OK)
        result = pipeline_start(r, err);
    if (result == SC_OK)
        apply_copy_ended(r->apply);
    return result;
}

enum sc_result pipeline_check_source(struct run *r, struct sc_error *err)
{
    if (!r->source)
        return SC_OK;
    r->source_ops->stats(r->source, &r->source_stats);
    const struct sc_error *failure = &r->source_stats.failure;
    if (failure->result == SC_OK)
        return SC_OK;
    r->given_up |= failure->result == SC_RETRY;
    *err = *failure;
    return err->result;
}

enum sc_result pipeline_check_spool(struct run *r, struct sc_error *err)
{
    const struct migration *m = r->migration;
    if (!r->spool || spool_unreadable(r->spool, err) == SC_OK)
        return SC_OK;
    if (m->applied.order != r->unreadable_at.order || m->partial_changes != r->unreadable_changes)
        r->unreadable = 0;
    r->unreadable_at = m->applied;
    r->unreadable_changes = m->partial_changes;
    if (++r->unreadable < UNREADABLE_TIMES)
        return SC_RETRY;
    error_wrap(err, "%d times at the same place of the log", r->unreadable);
    return err->result = SC_FAIL;
}

/* The session that writes markers is opened again when it is lost: nothing depends on what it did before. */
static enum sc_result write_marker(struct run *r, const char *text, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    if (!r->marker)
        result = r->ops->session_open(r->target, "coordinator", &r->marker, err);
    if (result == SC_OK)
        result = r->ops->marker(r->marker, text, err);
    if (result == SC_RETRY) {
        r->ops->session_close(r->marker);
        r->marker = NULL;
    }
    return result;
}

enum sc_result pipeline_mark(struct run *r, enum mark mark, char *text, int size, struct sc_error *err)
{
    bool fence = mark == MARK_FENCE;
    snprintf(text, (size_t)size, "%s %" PRIx64 " %" PRIu64, fence ? "fence" : "mark", (uint64_t)r->began_us,
             ++r->markers);
    apply_expect(r->apply, text, fence);
    if (mark == MARK_LAST)
        run_audit_end(r, text);
    return write_marker(r, text, err);
}

enum sc_result run_mark(struct run *r, enum mark mark, char *text, int size, struct sc_error *err)
{
    enum sc_result result;
    while ((result = pipeline_mark(r, mark, text, size, err)) == SC_RETRY) {
        log_warn("marker: %s; trying again", err->what);
        if ((result = run_tick(r, err)) != SC_OK)
            break;
        clock_sleep_ms(1000);
    }
    return result;
}

enum sc_result run_wait_marker(struct run *r, const char *text, struct sc_error *err)
{
    enum sc_result result;
    while ((result = apply_wait_marker(r->apply, text, MARKER_POLL_MS, err)) == SC_RETRY)
        if ((result = run_tick(r, err)) != SC_OK)
            break;
    return result;
}

void run_note(struct run *r, const char *text)
{
    r->note = NULL;
    if (text) {
        snprintf(r->note_text, sizeof(r->note_text), "%s", text);
        r->note = r->note_text;
    }
}

void run_show(struct run *r)
{
    struct progress_view view = {.phase = "", .note = r->note, .lag_ms = -1, .eta_s = -1};
    int64_t now = clock_us();
    view.phase = r->step ? r->step : phase_name(r->migration->phase);
    view.rows_copied = r->migration->rows_copied;
    view.rows_estimated = r->migration->rows_estimated;
    view.changes_applied = r->changes_before;
    view.elapsed_ms = (now - r->began_us) / 1000;
    if (r->copy) {
        struct walk_stats copy;
        walk_stats(r->copy, &copy);
        view.rows_copied += copy.rows;
        view.copy_rate = progress_rate_update(&r->copy_rate, copy.rows, now);
        if (view.rows_copied < view.rows_estimated) /* else the estimate was wrong */
            view.eta_s = progress_eta_s(view.rows_copied, view.rows_estimated, view.copy_rate);
    }
    if (r->verify && r->migration->phase == PHASE_VERIFY) {
        struct verify_stats verify;
        verify_stats(r->verify, &verify);
        view.rows_verified = verify.rows;
        view.verify_rate = progress_rate_update(&r->verify_rate, verify.rows, now);
        if (view.rows_verified < view.rows_estimated)
            view.eta_s = progress_eta_s(view.rows_verified, view.rows_estimated, view.verify_rate);
    }
    if (r->apply) {
        struct apply_stats apply;
        apply_stats(r->apply, &apply);
        view.changes_applied = r->changes_before + apply.changes;
        view.change_rate = progress_rate_update(&r->change_rate, view.changes_applied, now);
        view.lag_ms = apply.lag_ms;
        if (apply.waiting_visible && !view.note)
            view.note = "waiting for a commit to become visible";
    }
    if (r->spool) {
        struct spool_stats spool;
        spool_stats(r->spool, &spool);
        view.spool_memory_bytes = spool.memory_bytes;
        view.spool_disk_bytes = spool.disk_bytes;
    }
    if (r->source && !view.note && (!r->source_stats.connected || r->source_stats.full))
        view.note = r->source_stats.state;
    run_publish(r, &view);
    progress_show(&view);
}

enum sc_result run_tick(struct run *r, struct sc_error *err)
{
    if (stop_requested())
        return error_set(err, SC_STOP, "stopped by a signal in phase %s", phase_name(r->migration->phase));
    int64_t now = clock_us();
    enum sc_result result = pipeline_check_source(r, err);
    if (result == SC_OK)
        result = run_audit_tick(r, err);
    int64_t apart_us = r->migration->phase == PHASE_CUTOVER ? HEARTBEAT_FAST_US : HEARTBEAT_US;
    if (result == SC_OK && r->apply && now - r->beat_us >= apart_us) {
        char text[64];
        struct sc_error beat_err;
        r->beat_us = now;
        apply_heartbeat(r->apply, text, sizeof(text));
        /* A heartbeat that could not be written shows as lag; those who must get through try again themselves. */
        if (write_marker(r, text, &beat_err) != SC_OK)
            log_debug("heartbeat: %s", beat_err.what);
        result = apply_check(r->apply, err);
        r->given_up |= result == SC_RETRY; /* it has tried for long */
    }
    if (result == SC_OK && now - r->checked_us >= CHECK_US) {
        r->checked_us = now;
        result = r->ops->check(r->target, err);
    }
    if (result == SC_OK)
        run_show(r);
    return result;
}
