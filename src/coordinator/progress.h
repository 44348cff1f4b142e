/* What the operator sees of a run: one bar on a terminal, one line an interval elsewhere, and the summary at the end.
 *
 * The bar is on standard error with the log and steps aside for its lines. With JSON each interval is one log object
 * ("message":"progress"). The summary is the run's only output on standard output. */
#ifndef SC_COORDINATOR_PROGRESS_H
#define SC_COORDINATOR_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/strlist.h"

/* One moment of a run. Strings are the caller's, for the call only. */
struct progress_view {
    const char *phase; /* "copy", or a step of a phase: "drain", between the last row copied and the fence */
    const char *note;  /* what it waits for, or NULL */
    uint64_t rows_copied;
    uint64_t rows_estimated; /* 0: unknown */
    double copy_rate;        /* rows/s */
    uint64_t rows_verified;
    double verify_rate; /* rows/s */
    uint64_t changes_applied;
    double change_rate; /* changes/s */
    int64_t lag_ms;     /* -1: unknown */
    uint64_t spool_memory_bytes, spool_disk_bytes;
    int64_t eta_s; /* -1: unknown */
    int64_t elapsed_ms;
};

/* There is one at a time, because there is one standard error. interval_ms 0: shows nothing at all.
 * All three may be called from one thread only; log lines may come from any. */
void progress_start(bool json, int64_t interval_ms);
void progress_show(const struct progress_view *view); /* call as often as you like: writes when it is time */
void progress_end(void);                              /* removes the bar; fine when there is none */

/* One line without a newline: fitted to `width` columns, with a bar in it where there is room; width 0: as long as it
 * has to be, without a bar. */
void progress_line(struct buf *out, const struct progress_view *view, int width);

/* A rate as an exponentially weighted average over about ten seconds. Zero-initialised is fresh. */
struct progress_rate {
    bool begun;
    int64_t began_us, last_us;
    uint64_t last_count;
    double per_second;
};
/* `count` is the running total at now_us (monotonic). A total that went back (copy begun again) starts it anew. Returns
 * the rate. */
double progress_rate_update(struct progress_rate *rate, uint64_t count, int64_t now_us);
/* Seconds until `total` at this rate; -1 when it cannot be said. 0: reached. */
int64_t progress_eta_s(uint64_t done, uint64_t total, double per_second);

enum summary_result {
    SUMMARY_SWAPPED,     /* "swapped" */
    SUMMARY_INTERRUPTED, /* "interrupted": the same command resumes */
    SUMMARY_REFUSED,     /* "refused": nothing was touched */
    SUMMARY_FAILED,      /* "failed": the source is untouched */
    SUMMARY_UNKNOWN,     /* "unknown": whether the swap happened could not be learnt */
};

struct summary_view {
    enum summary_result result;
    const char *id, *table; /* NULL or "": none. table: qualified, as it is shown */
    uint64_t rows_copied, changes_applied;
    int64_t rows_verified; /* and found the same, all of them; -1: they were not */
    int64_t duration_ms;
    int64_t writers_held_ms; /* in the cutover that went through; -1: there was none */
    int cutover_tries;
    int64_t lag_at_cutover_ms;   /* -1: unknown */
    const char *old_table;       /* NULL: dropped, or not swapped */
    const struct strlist *ended; /* sessions that were in the cutover's way; NULL: none */
    const struct strlist *notes; /* NULL: none */
};
/* As text for people, or as one JSON object whose field names do not change. Ends with a newline. */
void summary_format(struct buf *out, const struct summary_view *view, bool json);
void summary_print(const struct summary_view *view, bool json); /* on standard output */

#endif
