#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "status/status.h"

enum kind { COUNTER, GAUGE };

/* HELP and TYPE of a family, whose samples follow. */
static void family(struct buf *out, const char *name, enum kind kind, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind == COUNTER ? "counter" : "gauge");
}

static void label(struct buf *out, const char *before, const char *name, const char *value)
{
    buf_printf(out, "%s%s=\"", before, name);
    const unsigned char *p = (const unsigned char *)value, *end = p + strlen(value);
    while (p < end) {
        int len = json_utf8_len(p, end); /* Prometheus takes nothing else, and not even the rest */
        if (len == 0)
            buf_str(out, "\xef\xbf\xbd");
        else if (*p == '\n')
            buf_str(out, "\\n");
        else
            buf_printf(out, "%s%.*s", *p == '\\' || *p == '"' ? "\\" : "", len, (const char *)p);
        p += len > 0 ? len : 1;
    }
    buf_char(out, '"');
}

static void count(struct buf *out, const char *name, const char *help, uint64_t value)
{
    family(out, name, COUNTER, help);
    buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

static void gauge(struct buf *out, const char *name, const char *help, double value)
{
    family(out, name, GAUGE, help);
    buf_printf(out, "%s %.10g\n", name, isfinite(value) ? value : 0);
}

/* What is not known is not there: a zero would be a lie. */
static void seconds(struct buf *out, const char *name, const char *help, int64_t ms)
{
    if (ms >= 0)
        gauge(out, name, help, (double)ms / 1000);
}

static void what_it_is(struct buf *out, const struct status *s, int64_t age_ms, const char *version)
{
    family(out, "seachange_info", GAUGE, "What runs; always 1.");
    label(out, "seachange_info{", "version", version);
    label(out, ",", "command", s->command);
    label(out, ",", "engine", s->engine);
    label(out, ",", "table", s->table);
    label(out, ",", "id", s->id);
    buf_str(out, "} 1\n");
    if (s->phase[0]) {
        family(out, "seachange_phase", GAUGE, "The phase it is in; always 1.");
        label(out, "seachange_phase{", "phase", s->phase);
        buf_str(out, "} 1\n");
    }
    gauge(out, "seachange_start_time_seconds", "When this process began, in seconds since 1970.",
          (double)s->began_us / 1e6);
    gauge(out, "seachange_ready", "Whether it is connected and what it does is under way.", s->ready);
    gauge(out, "seachange_log_reader_connected", "Whether changes are being read from the server's log.", s->reads_log);
    gauge(out, "seachange_status_age_seconds", "How old the other values are.", (double)age_ms / 1000);
}

static void migration(struct buf *out, const struct status *s)
{
    count(out, "seachange_rows_copied_total", "Rows copied to the ghost table.", s->rows_copied);
    if (s->rows_estimated > 0)
        gauge(out, "seachange_rows_estimated", "Rows of the table, as the server estimates them.",
              (double)s->rows_estimated);
    gauge(out, "seachange_rows_verified", "Rows compared and found the same, in the pass that is under way.",
          (double)s->rows_verified);
    count(out, "seachange_changes_applied_total", "Row changes applied to the ghost table.", s->changes_applied);
    seconds(out, "seachange_apply_lag_seconds", "How far the ghost table is behind, by heartbeats.", s->lag_ms);
    seconds(out, "seachange_eta_seconds", "Time left in this phase, as estimated.",
            s->eta_s < 0 ? -1 : s->eta_s * 1000);
    family(out, "seachange_spool_bytes", GAUGE, "Changes that were read and wait to be applied.");
    buf_printf(out, "seachange_spool_bytes{place=\"memory\"} %" PRIu64 "\n", s->spool_memory_bytes);
    buf_printf(out, "seachange_spool_bytes{place=\"disk\"} %" PRIu64 "\n", s->spool_disk_bytes);
    count(out, "seachange_cutover_tries_total", "Times the cutover was tried.",
          s->cutover_tries > 0 ? (uint64_t)s->cutover_tries : 0);
    seconds(out, "seachange_cutover_writers_held_seconds", "How long writers waited in the cutover that went through.",
            s->writers_held_ms);
}

static void audit(struct buf *out, const struct status_audit *a)
{
    gauge(out, "seachange_audit_stream_messages", "Messages of the stream so far, in earlier processes, too.",
          (double)a->messages);
    if (a->snapshot_rows > 0)
        gauge(out, "seachange_audit_snapshot_rows", "Rows that were there when the stream began, read so far.",
              (double)a->snapshot_rows);
    count(out, "seachange_audit_sent_total", "Messages handed to the Kafka producer by this process.", a->counts.sent);
    count(out, "seachange_audit_delivered_total", "Messages that all replicas have acknowledged.",
          a->counts.acknowledged);
    count(out, "seachange_audit_delivered_bytes_total", "Keys and values of these.", a->counts.bytes);
    gauge(out, "seachange_audit_queued", "Messages in the producer's memory, under way or waiting.", (double)a->queued);
    gauge(out, "seachange_audit_unacknowledged", "Messages that were sent and are not acknowledged.",
          (double)(a->counts.sent - a->counts.acknowledged));
    gauge(out, "seachange_audit_spool_bytes", "Changes that were read and wait to be sent, in memory and on disk.",
          (double)a->waiting_bytes);
    count(out, "seachange_audit_queue_full_total", "Times that sending had to wait for room in the producer.",
          a->counts.queue_full);
    count(out, "seachange_audit_errors_total", "Errors of brokers, or of connections to them.", a->counts.errors);
    gauge(out, "seachange_audit_connected", "Whether a broker is reached, as far as is known.", a->connected);
    seconds(out, "seachange_audit_lag_seconds",
            "Age of the oldest transaction that Kafka has not acknowledged whole; 0: there is none.", a->lag_ms);
}

void status_metrics(struct buf *out, const struct status *status, int64_t age_ms, const char *version)
{
    what_it_is(out, status, age_ms, version);
    if (strcmp(status->command, "migrate") == 0)
        migration(out, status);
    if (status->audit.there)
        audit(out, &status->audit);
}
