#include "base/human.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"

/* Three figures: 1.23, 12.3, 123. Never rounds up to a fourth. */
static void three_figures(struct buf *out, uint64_t whole, uint64_t unit)
{
    uint64_t hundredths = (uint64_t)((long double)whole * 100 / (long double)unit);
    uint64_t n = hundredths / 100;
    if (n >= 100)
        buf_printf(out, "%" PRIu64, n);
    else if (n >= 10)
        buf_printf(out, "%" PRIu64 ".%" PRIu64, n, hundredths / 10 % 10);
    else
        buf_printf(out, "%" PRIu64 ".%02" PRIu64, n, hundredths % 100);
}

void human_count(struct buf *out, uint64_t n)
{
    static const struct {
        uint64_t unit;
        char letter;
    } units[] = {{1000000000000, 'T'}, {1000000000, 'G'}, {1000000, 'M'}, {1000, 'k'}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (n >= units[i].unit) {
            three_figures(out, n, units[i].unit);
            buf_char(out, units[i].letter);
            return;
        }
    }
    buf_printf(out, "%" PRIu64, n);
}

void human_exact(struct buf *out, uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            buf_char(out, ',');
        buf_char(out, digits[i]);
    }
}

void human_bytes(struct buf *out, uint64_t bytes)
{
    static const char *const names[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
    if (bytes < 1024) {
        buf_printf(out, "%" PRIu64 " B", bytes);
        return;
    }
    int i = 0;
    uint64_t unit = 1024;
    while (i < 4 && bytes / unit >= 1024) {
        unit *= 1024;
        i++;
    }
    three_figures(out, bytes, unit);
    buf_printf(out, " %s", names[i]);
}

void human_ms(struct buf *out, int64_t ms)
{
    if (ms < 0) {
        buf_char(out, '-');
        ms = ms == INT64_MIN ? INT64_MAX : -ms;
    }
    int64_t s = ms / 1000;
    if (ms < 1000)
        buf_printf(out, "%" PRId64 " ms", ms);
    else if (s < 10)
        buf_printf(out, "%" PRId64 ".%" PRId64 " s", s, ms / 100 % 10);
    else if (s < 60)
        buf_printf(out, "%" PRId64 " s", s);
    else if (s < 3600)
        buf_printf(out, "%" PRId64 "m %02" PRId64 "s", s / 60, s % 60);
    else if (s < 86400)
        buf_printf(out, "%" PRId64 "h %02" PRId64 "m", s / 3600, s / 60 % 60);
    else
        buf_printf(out, "%" PRId64 "d %02" PRId64 "h", s / 86400, s / 3600 % 24);
}
