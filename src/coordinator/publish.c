#include "coordinator/publish.h"

#include <stdio.h>

#include "coordinator/run.h"
#include "engines.h"

void publish_audit(struct status_audit *out, struct audit_sink *sink, struct audit_pump *pump, struct spool *spool)
{
    struct audit_sink_stats s;
    struct audit_pump_stats p;
    struct spool_stats waiting;
    audit_sink_stats(sink, &s);
    audit_pump_stats(pump, &p);
    spool_stats(spool, &waiting);
    *out = (struct status_audit){
        .there = true,
        .connected = s.connected,
        .messages = p.messages,
        .sent = s.sent,
        .acknowledged = s.acknowledged,
        .bytes = s.bytes,
        .queued = s.queued,
        .queue_full = s.retries,
        .errors = s.errors,
        .waiting_bytes = waiting.memory_bytes + waiting.disk_bytes,
        .lag_ms = p.lag_ms,
    };
    snprintf(out->error, sizeof(out->error), "%s", s.state);
    snprintf(out->position, sizeof(out->position), "%s", p.stored.text);
}

void run_publish(struct run *r, const struct progress_view *v)
{
    struct status s = {
        .ready = r->swapped || (r->source && r->source_stats.connected),
        .reads_log = r->source && r->source_stats.connected,
        .rows_copied = v->rows_copied,
        .rows_estimated = v->rows_estimated,
        .rows_verified = r->rows_verified > v->rows_verified ? r->rows_verified : v->rows_verified,
        .changes_applied = v->changes_applied,
        .copy_rate = v->copy_rate,
        .verify_rate = v->verify_rate,
        .change_rate = v->change_rate,
        .spool_memory_bytes = v->spool_memory_bytes,
        .spool_disk_bytes = v->spool_disk_bytes,
        .lag_ms = v->lag_ms,
        .eta_s = v->eta_s,
        .writers_held_ms = r->swapped ? r->writers_held_ms : -1,
        .cutover_tries = r->cutover_tries,
        .audit.lag_ms = -1,
    };
    snprintf(s.engine, sizeof(s.engine), "%s", r->config->engine->name);
    snprintf(s.table, sizeof(s.table), "%s", r->config->spec.table);
    snprintf(s.id, sizeof(s.id), "%s", r->migration->id);
    snprintf(s.phase, sizeof(s.phase), "%s", v->phase);
    snprintf(s.note, sizeof(s.note), "%s", v->note ? v->note : "");
    run_audit_publish(r, &s.audit);
    status_publish(&s);
}
