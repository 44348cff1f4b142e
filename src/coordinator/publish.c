#include "coordinator/publish.h"

#include <stdio.h>

#include "coordinator/run.h"
#include "engines.h"

static void add(struct status_audit_counts *to, const struct status_audit_counts *c)
{
    to->sent += c->sent;
    to->acknowledged += c->acknowledged;
    to->bytes += c->bytes;
    to->queue_full += c->queue_full;
    to->errors += c->errors;
}

static bool went_back(const struct status_audit_counts *from, const struct status_audit_counts *to)
{
    return to->sent < from->sent || to->acknowledged < from->acknowledged || to->bytes < from->bytes ||
           to->queue_full < from->queue_full || to->errors < from->errors;
}

/* Counts of a process must not go back, and each sink begins with none. */
static void add_up(struct status_audit_counts *counts)
{
    static struct status_audit_counts before, last;
    if (went_back(&last, counts))
        add(&before, &last);
    last = *counts;
    add(counts, &before);
}

static void of_sink(struct status_audit *out, struct audit_sink *sink)
{
    struct audit_sink_stats s;
    audit_sink_stats(sink, &s);
    out->there = true;
    out->connected = s.connected;
    out->queued = s.queued;
    out->counts = (struct status_audit_counts){s.sent, s.acknowledged, s.bytes, s.retries, s.errors};
    snprintf(out->error, sizeof(out->error), "%s", s.state);
    add_up(&out->counts);
}

static struct status_audit newest = {.lag_ms = -1};

void publish_audit_rows(struct status_audit *out, struct audit_sink *sink, uint64_t rows)
{
    newest = (struct status_audit){.messages = rows, .snapshot_rows = rows, .lag_ms = -1};
    of_sink(&newest, sink);
    *out = newest;
}

void publish_audit(struct status_audit *out, struct audit_sink *sink, struct audit_pump *pump, struct spool *spool)
{
    if (!sink || !pump || !spool) {
        *out = newest;
        out->connected = false;
        out->queued = out->waiting_bytes = 0;
        out->lag_ms = -1;
        return;
    }
    struct audit_pump_stats p;
    struct spool_stats waiting;
    audit_pump_stats(pump, &p);
    spool_stats(spool, &waiting);
    newest = (struct status_audit){
        .messages = p.messages,
        .snapshot_rows = newest.snapshot_rows,
        .waiting_bytes = waiting.memory_bytes + waiting.disk_bytes,
        .lag_ms = p.lag_ms,
    };
    of_sink(&newest, sink);
    snprintf(newest.position, sizeof(newest.position), "%s", p.stored.text);
    *out = newest;
}

static struct status nothing_known(const struct run *r)
{
    struct status s = {.lag_ms = -1, .eta_s = -1, .writers_held_ms = -1, .audit.lag_ms = -1};
    snprintf(s.engine, sizeof(s.engine), "%s", r->config->engine->name);
    snprintf(s.table, sizeof(s.table), "%s", r->config->spec.table);
    return s;
}

void run_publish(struct run *r, const struct progress_view *v)
{
    struct status s = nothing_known(r);
    bool swapped = r->migration->phase >= PHASE_CLEANUP;
    s.reads_log = r->source && r->source_stats.connected;
    s.ready = s.reads_log || swapped;
    s.rows_copied = v->rows_copied;
    s.rows_estimated = v->rows_estimated;
    s.rows_verified = r->rows_verified > v->rows_verified ? r->rows_verified : v->rows_verified;
    s.changes_applied = v->changes_applied;
    s.copy_rate = v->copy_rate;
    s.verify_rate = v->verify_rate;
    s.change_rate = v->change_rate;
    s.spool_memory_bytes = v->spool_memory_bytes;
    s.spool_disk_bytes = v->spool_disk_bytes;
    s.lag_ms = v->lag_ms;
    s.eta_s = v->eta_s;
    s.writers_held_ms = swapped ? r->writers_held_ms : -1;
    s.cutover_tries = r->cutover_tries;
    snprintf(s.id, sizeof(s.id), "%s", r->migration->id);
    snprintf(s.phase, sizeof(s.phase), "%s", v->phase);
    snprintf(s.note, sizeof(s.note), "%s", v->note ? v->note : "");
    run_audit_publish(r, &s.audit);
    status_publish(&s);
}

void run_publish_retry(const struct run *r, const char *why)
{
    struct status s;
    int64_t age_ms;
    status_read(&s, &age_ms);
    s.ready = s.reads_log = false;
    s.lag_ms = s.eta_s = -1;
    s.copy_rate = s.verify_rate = s.change_rate = 0;
    publish_audit(&s.audit, NULL, NULL, NULL);
    if (!s.table[0])
        s = nothing_known(r);
    snprintf(s.phase, sizeof(s.phase), "retry");
    snprintf(s.note, sizeof(s.note), "%s", why);
    status_publish(&s);
}
