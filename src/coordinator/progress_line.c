#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/human.h"
#include "coordinator/progress.h"

/* The parts of a line in the order they are shown. What does not fit is left out, the least important first. */
enum part {
    PART_PHASE,
    PART_BAR,
    PART_PERCENT,
    PART_ROWS,
    PART_RATE,
    PART_CHANGES,
    PART_SPOOL,
    PART_LAG,
    PART_ETA,
    PART_ELAPSED,
    PART_NOTE,
    PARTS
};

static const enum part by_importance[] = {PART_PHASE, PART_PERCENT, PART_ETA,     PART_LAG,  PART_ROWS,
                                          PART_RATE,  PART_CHANGES, PART_ELAPSED, PART_SPOOL};

/* Less is only on its way. */
#define SPOOL_SHOWN_BYTES (UINT64_C(256) << 10)

enum { BAR_LEAST = 12, BAR_MOST = 42, NOTE_LEAST = 12, GAP = 2 };

/* Columns it takes at most: what is not ASCII may be wide. */
static int columns_of(const char *text)
{
    int n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        n += *p < 0x80 ? 1 : (*p & 0xc0) != 0x80 ? 2 : 0;
    return n;
}

/* Appends text cut to so many columns, with "..." where something is missing; control characters become spaces. */
static void fitted(struct buf *out, const char *text, int width)
{
    bool whole = columns_of(text) <= width;
    int room = whole ? width : width > 3 ? width - 3 : 0, used = 0;
    const unsigned char *p = (const unsigned char *)text;
    while (*p) {
        int w = *p < 0x80 ? 1 : 2;
        if (used + w > room)
            break;
        used += w;
        buf_char(out, *p < 0x20 || *p == 0x7f ? ' ' : (char)*p);
        for (p++; (*p & 0xc0) == 0x80; p++)
            buf_char(out, (char)*p);
    }
    if (!whole)
        buf_printf(out, "%.*s", width < 3 ? width : 3, "...");
}

static uint64_t whole(double n)
{
    return isfinite(n) && n > 0 && n < 1e18 ? (uint64_t)(n + 0.5) : 0;
}

/* Tenths of a second would only flicker. */
static void seconds(struct buf *out, int64_t s)
{
    if (s < 60)
        buf_printf(out, "%" PRId64 " s", s);
    else
        human_ms(out, s > INT64_MAX / 1000 ? INT64_MAX : s * 1000);
}

static bool is_phase(const struct progress_view *v, const char *phase)
{
    return v->phase && strcmp(v->phase, phase) == 0;
}

static uint64_t rows_done(const struct progress_view *v)
{
    return is_phase(v, "verify") ? v->rows_verified : v->rows_copied;
}

static int percent_of(const struct progress_view *v)
{
    if (v->rows_estimated == 0)
        return -1;
    double part = (double)rows_done(v) / (double)v->rows_estimated;
    return part >= 0.99 ? 99
                        : (int)(part * 100); /* the number of rows is an estimate: it is done when the phase is over */
}

static void row_parts(struct buf parts[static PARTS], const struct progress_view *v)
{
    int percent = percent_of(v);
    double rate = is_phase(v, "verify") ? v->verify_rate : v->copy_rate;
    if (percent >= 0)
        buf_printf(&parts[PART_PERCENT], "%d%%", percent);
    human_count(&parts[PART_ROWS], rows_done(v));
    if (percent >= 0) {
        buf_char(&parts[PART_ROWS], '/');
        human_count(&parts[PART_ROWS], v->rows_estimated);
    }
    buf_str(&parts[PART_ROWS], " rows");
    if (rate >= 0.5) {
        human_count(&parts[PART_RATE], whole(rate));
        buf_str(&parts[PART_RATE], " rows/s");
    }
    if (v->eta_s >= 0) {
        buf_str(&parts[PART_ETA], "ETA ");
        seconds(&parts[PART_ETA], v->eta_s);
    }
}

static void make_parts(struct buf parts[static PARTS], const struct progress_view *v)
{
    const char *phase = v->phase ? v->phase : "";
    buf_str(&parts[PART_PHASE], phase);
    if (is_phase(v, "copy") || is_phase(v, "verify"))
        row_parts(parts, v);
    if (v->changes_applied > 0) {
        human_count(&parts[PART_CHANGES], v->changes_applied);
        buf_str(&parts[PART_CHANGES], " changes");
        if (v->change_rate >= 0.5 && !is_phase(v, "index")) { /* there they wait */
            buf_str(&parts[PART_CHANGES], " (");
            human_count(&parts[PART_CHANGES], whole(v->change_rate));
            buf_str(&parts[PART_CHANGES], "/s)");
        }
    }
    uint64_t waiting = v->spool_memory_bytes + v->spool_disk_bytes;
    if (v->spool_disk_bytes > 0 || waiting >= SPOOL_SHOWN_BYTES) {
        buf_str(&parts[PART_SPOOL], "spool ");
        human_bytes(&parts[PART_SPOOL], waiting);
    }
    if (v->lag_ms >= 0) {
        buf_str(&parts[PART_LAG], "lag ");
        human_ms(&parts[PART_LAG], v->lag_ms);
    }
    if (v->elapsed_ms >= 1000)
        seconds(&parts[PART_ELAPSED], v->elapsed_ms / 1000);
}

/* [#######-----------] in exactly so many columns */
static void bar(struct buf *out, const struct progress_view *v, int width)
{
    int cells = width - 2, full = percent_of(v) * cells / 100;
    buf_char(out, '[');
    for (int i = 0; i < cells; i++)
        buf_char(out, i < full ? '#' : '-');
    buf_char(out, ']');
}

/* What fits into `width`; the parts that do not are emptied. Bar and note share what is left. */
static void choose(struct buf parts[static PARTS], const struct progress_view *v, int width)
{
    int used = -GAP;
    bool noted = v->note && v->note[0];
    int reserve = noted ? NOTE_LEAST + GAP : 0; /* what it waits for matters more than rates */
    for (size_t i = 0; i < sizeof(by_importance) / sizeof(by_importance[0]); i++) {
        struct buf *part = &parts[by_importance[i]];
        if (part->len == 0)
            continue;
        int columns = columns_of(buf_cstr(part)), keep = by_importance[i] == PART_PHASE ? 0 : reserve;
        if (used + GAP + columns + keep <= width) {
            used += GAP + columns;
        } else if (by_importance[i] == PART_PHASE) {
            char *phase = buf_take(part);
            fitted(part, phase, width);
            mem_free(phase);
            used = width;
        } else {
            buf_clear(part);
        }
    }
    int left = width - used - GAP;
    if (noted && left >= NOTE_LEAST) {
        fitted(&parts[PART_NOTE], v->note, left);
        left -= columns_of(buf_cstr(&parts[PART_NOTE])) + GAP;
    }
    if (parts[PART_PERCENT].len > 0 && left >= BAR_LEAST)
        bar(&parts[PART_BAR], v, left < BAR_MOST ? left : BAR_MOST);
}

void progress_line(struct buf *out, const struct progress_view *view, int width)
{
    struct buf parts[PARTS] = {0};
    make_parts(parts, view);
    if (width > 0)
        choose(parts, view, width);
    else if (view->note && view->note[0])
        fitted(&parts[PART_NOTE], view->note, INT_MAX / 2);
    bool first = true;
    for (int i = 0; i < PARTS; i++) {
        if (parts[i].len > 0) {
            const char *gap = width > 0 ? "  " : i == PART_PERCENT || i == PART_NOTE ? ": " : ", ";
            buf_printf(out, "%s%s", first ? "" : gap, buf_cstr(&parts[i]));
            first = false;
        }
        buf_fini(&parts[i]);
    }
}

/* --- rates
 * --------------------------------------------------------------------------------------------------------------- */

#define RATE_MEMORY_US 10e6 /* older than this counts for little */

double progress_rate_update(struct progress_rate *rate, uint64_t count, int64_t now_us)
{
    if (!rate->begun || count < rate->last_count) {
        *rate = (struct progress_rate){.begun = true, .began_us = now_us, .last_us = now_us, .last_count = count};
        return 0;
    }
    int64_t passed = now_us - rate->last_us;
    if (passed < 50000) /* too short to say anything */
        return rate->per_second;
    double now = (double)(count - rate->last_count) * 1e6 / (double)passed;
    double memory = (double)(rate->last_us - rate->began_us); /* at first: the average since it began */
    double weight = (double)passed / ((memory < RATE_MEMORY_US ? memory : RATE_MEMORY_US) + (double)passed);
    rate->per_second += (now - rate->per_second) * weight;
    rate->last_us = now_us;
    rate->last_count = count;
    return rate->per_second;
}

int64_t progress_eta_s(uint64_t done, uint64_t total, double per_second)
{
    if (total == 0)
        return -1;
    if (done >= total)
        return 0;
    if (!isfinite(per_second) || per_second < 0.01)
        return -1;
    double seconds = (double)(total - done) / per_second;
    return seconds < 1e9 ? (int64_t)(seconds + 0.5) : -1;
}
