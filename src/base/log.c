#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mem.h"

static struct {
    pthread_mutex_t lock;
    enum log_level lowest;
    bool json;
    void (*before)(void), (*after)(void);
} the_log = {.lock = PTHREAD_MUTEX_INITIALIZER, .lowest = LOG_INFO};

static const char *const level_names[] = {"debug", "info", "warning", "error"};

void log_setup(enum log_level lowest, bool json)
{
    the_log.lowest = lowest;
    the_log.json = json;
}

enum log_level log_lowest(void)
{
    return the_log.lowest;
}

void log_set_frame(void (*before)(void), void (*after)(void))
{
    pthread_mutex_lock(&the_log.lock);
    the_log.before = before;
    the_log.after = after;
    pthread_mutex_unlock(&the_log.lock);
}

static void timestamp(char *out, size_t size)
{
    int64_t us = clock_wall_us();
    time_t s = (time_t)(us / 1000000);
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, size - n, ".%03dZ", (int)(us / 1000 % 1000));
}

static void escaped(struct buf *b, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            buf_printf(b, "\\x%02x", *p);
        else
            buf_char(b, (char)*p);
    }
}

static void emit(enum log_level level, const char *text, const char *fields, const struct sc_error *err)
{
    char when[40];
    timestamp(when, sizeof(when));
    struct buf b = {0};
    if (the_log.json) {
        buf_printf(&b, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":", when, level_names[level]);
        json_string(&b, text);
        if (err && err->hint[0]) {
            buf_str(&b, ",\"hint\":");
            json_string(&b, err->hint);
        }
        if (err && err->sqlstate[0]) {
            buf_str(&b, ",\"sqlstate\":");
            json_string(&b, err->sqlstate);
        }
        if (fields && fields[0])
            buf_printf(&b, ",%s", fields);
        buf_char(&b, '}');
    } else {
        buf_printf(&b, "%.8s %s: ", when + 11, level_names[level]);
        escaped(&b, text);
        if (err && err->sqlstate[0])
            buf_printf(&b, " (SQLSTATE %s)", err->sqlstate);
        if (err && err->hint[0]) {
            buf_str(&b, "\n         hint: ");
            escaped(&b, err->hint);
        }
    }
    buf_char(&b, '\n');
    pthread_mutex_lock(&the_log.lock);
    if (the_log.before)
        the_log.before();
    fwrite(b.data, 1, b.len, stderr);
    fflush(stderr);
    if (the_log.after)
        the_log.after();
    pthread_mutex_unlock(&the_log.lock);
    buf_fini(&b);
}

void log_line(enum log_level level, const char *format, ...)
{
    if (level < the_log.lowest)
        return;
    struct buf b = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&b, format, args);
    va_end(args);
    emit(level, buf_cstr(&b), NULL, NULL);
    buf_fini(&b);
}

void log_fields(enum log_level level, const char *message, const char *fields)
{
    if (level >= the_log.lowest)
        emit(level, message, fields, NULL);
}

void log_error(const struct sc_error *err)
{
    emit(LOG_ERROR, err->what[0] ? err->what : sc_result_name(err->result), NULL, err);
}
