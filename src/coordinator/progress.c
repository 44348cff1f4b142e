#include "coordinator/progress.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"

#define REDRAW_US 250000 /* a terminal at the other end of a slow line must keep up */

/* The one progress there is. `lock` guards the bar against log lines of other threads; it is taken inside the log's
 * lock and never the other way round. */
static struct {
    pthread_mutex_t lock;
    bool active, terminal, json;
    int64_t interval_us, next_us;
    struct buf shown; /* the bar as it stands on the terminal; empty: none */
} the_progress = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void put(const char *text, size_t len)
{
    fwrite(text, 1, len, stderr);
    fflush(stderr);
}

static void erase(void)
{
    if (the_progress.shown.len > 0)
        put("\r\033[K", 4);
}

static void draw(void)
{
    put(buf_cstr(&the_progress.shown), the_progress.shown.len);
}

/* log_set_frame(): from before() to after() the bar is off the terminal and nobody draws it. */
static void before_log_line(void)
{
    pthread_mutex_lock(&the_progress.lock);
    erase();
}

static void after_log_line(void)
{
    draw();
    pthread_mutex_unlock(&the_progress.lock);
}

static bool can_draw(void)
{
    const char *kind = getenv("TERM");
    return isatty(STDERR_FILENO) && kind && kind[0] && strcmp(kind, "dumb") != 0;
}

void progress_start(bool json, int64_t interval_ms)
{
    pthread_mutex_lock(&the_progress.lock);
    the_progress.active = interval_ms > 0;
    the_progress.json = json;
    the_progress.terminal = the_progress.active && !json && can_draw();
    the_progress.interval_us = the_progress.terminal ? REDRAW_US : interval_ms * 1000;
    the_progress.next_us = the_progress.terminal ? 0 : clock_us() + the_progress.interval_us;
    buf_clear(&the_progress.shown);
    bool terminal = the_progress.terminal;
    pthread_mutex_unlock(&the_progress.lock);
    if (terminal)
        log_set_frame(before_log_line, after_log_line);
}

void progress_end(void)
{
    pthread_mutex_lock(&the_progress.lock);
    erase();
    buf_fini(&the_progress.shown);
    bool terminal = the_progress.terminal;
    the_progress.active = the_progress.terminal = false;
    pthread_mutex_unlock(&the_progress.lock);
    if (terminal)
        log_set_frame(NULL, NULL);
}

static int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

static void show_bar(const struct progress_view *view)
{
    pthread_mutex_lock(&the_progress.lock);
    buf_clear(&the_progress.shown);
    buf_char(&the_progress.shown, '\r');
    int width = terminal_width();
    progress_line(&the_progress.shown, view, width > 1 ? width - 1 : 1); /* the last column may wrap */
    buf_str(&the_progress.shown, "\033[K");
    draw();
    pthread_mutex_unlock(&the_progress.lock);
}

static void number_or_null(struct buf *b, const char *name, int64_t n)
{
    if (n < 0)
        buf_printf(b, ",\"%s\":null", name);
    else
        buf_printf(b, ",\"%s\":%" PRId64, name, n);
}

static double rate_shown(double n)
{
    return isfinite(n) && n > 0 ? n : 0;
}

static void show_json(const struct progress_view *v)
{
    struct buf b = {0};
    buf_str(&b, "\"phase\":");
    json_string(&b, v->phase ? v->phase : "");
    buf_printf(&b, ",\"rows_copied\":%" PRIu64 ",\"rows_estimated\":%" PRIu64 ",\"copy_rate\":%.1f", v->rows_copied,
               v->rows_estimated, rate_shown(v->copy_rate));
    buf_printf(&b, ",\"rows_verified\":%" PRIu64 ",\"verify_rate\":%.1f", v->rows_verified, rate_shown(v->verify_rate));
    buf_printf(&b, ",\"changes_applied\":%" PRIu64 ",\"change_rate\":%.1f", v->changes_applied,
               rate_shown(v->change_rate));
    number_or_null(&b, "lag_ms", v->lag_ms);
    buf_printf(&b, ",\"spool_memory_bytes\":%" PRIu64 ",\"spool_disk_bytes\":%" PRIu64, v->spool_memory_bytes,
               v->spool_disk_bytes);
    number_or_null(&b, "eta_s", v->eta_s);
    number_or_null(&b, "elapsed_ms", v->elapsed_ms);
    buf_str(&b, ",\"note\":");
    if (v->note)
        json_string(&b, v->note);
    else
        buf_str(&b, "null");
    log_fields(LOG_INFO, "progress", buf_cstr(&b));
    buf_fini(&b);
}

static void show_text(const struct progress_view *view)
{
    struct buf b = {0};
    progress_line(&b, view, 0);
    log_info("%s", buf_cstr(&b));
    buf_fini(&b);
}

void progress_show(const struct progress_view *view)
{
    int64_t now = clock_us();
    if (!the_progress.active || now < the_progress.next_us)
        return;
    the_progress.next_us = now + the_progress.interval_us;
    if (the_progress.terminal)
        show_bar(view);
    else if (the_progress.json)
        show_json(view);
    else
        show_text(view);
}
