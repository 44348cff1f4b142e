#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "status/status.h"

static void text(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, ",\"%s\":", name);
    if (value[0])
        json_string(out, value);
    else
        buf_str(out, "null");
}

static void truth(struct buf *out, const char *name, bool value)
{
    buf_printf(out, ",\"%s\":%s", name, value ? "true" : "false");
}

static void number(struct buf *out, const char *name, uint64_t value)
{
    buf_printf(out, ",\"%s\":%" PRIu64, name, value);
}

/* Below zero: unknown. */
static void known(struct buf *out, const char *name, int64_t value)
{
    if (value < 0)
        buf_printf(out, ",\"%s\":null", name);
    else
        number(out, name, (uint64_t)value);
}

static void rate(struct buf *out, const char *name, double value)
{
    buf_printf(out, ",\"%s\":%.1f", name, isfinite(value) && value > 0 ? value : 0);
}

static void migration(struct buf *out, const struct status *s)
{
    number(out, "rows_copied", s->rows_copied);
    known(out, "rows_estimated", s->rows_estimated > 0 ? (int64_t)s->rows_estimated : -1);
    rate(out, "rows_per_second", s->copy_rate);
    number(out, "rows_verified", s->rows_verified);
    rate(out, "rows_verified_per_second", s->verify_rate);
    number(out, "changes_applied", s->changes_applied);
    rate(out, "changes_per_second", s->change_rate);
    known(out, "lag_ms", s->lag_ms);
    number(out, "spool_memory_bytes", s->spool_memory_bytes);
    number(out, "spool_disk_bytes", s->spool_disk_bytes);
    known(out, "eta_s", s->eta_s);
    known(out, "cutover_tries", s->cutover_tries);
    known(out, "writers_held_ms", s->writers_held_ms);
}

static void audit(struct buf *out, const struct status_audit *a)
{
    buf_printf(out, ",\"audit\":{\"connected\":%s", a->connected ? "true" : "false");
    text(out, "error", a->error);
    number(out, "messages", a->messages);
    number(out, "snapshot_rows", a->snapshot_rows);
    number(out, "sent", a->counts.sent);
    number(out, "delivered", a->counts.acknowledged);
    number(out, "delivered_bytes", a->counts.bytes);
    number(out, "queued", a->queued);
    number(out, "queue_full", a->counts.queue_full);
    number(out, "errors", a->counts.errors);
    number(out, "spool_bytes", a->waiting_bytes);
    known(out, "lag_ms", a->lag_ms);
    text(out, "position", a->position);
    buf_char(out, '}');
}

void status_json(struct buf *out, const struct status *s, int64_t age_ms, const char *version)
{
    buf_str(out, "{\"version\":");
    json_string(out, version);
    text(out, "command", s->command);
    text(out, "engine", s->engine);
    text(out, "table", s->table);
    text(out, "id", s->id);
    text(out, "phase", s->phase);
    text(out, "note", s->note);
    truth(out, "ready", s->ready);
    truth(out, "reads_log", s->reads_log);
    number(out, "began_ms", (uint64_t)(s->began_us / 1000));
    known(out, "age_ms", age_ms);
    if (strcmp(s->command, "migrate") == 0)
        migration(out, s);
    if (s->audit.there)
        audit(out, &s->audit);
    buf_str(out, "}\n");
}
