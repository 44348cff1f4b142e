/* Dates and times: from the server's text to numbers, and to ISO 8601. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cdc/audit/json.h"
#include "cdc/audit/values.h"

/* What Debezium has for the infinities of a date (io.debezium.time.Date holds 32 bits) and of a timestamp. */
#define DATE_INFINITY INT32_MAX
#define DATE_MINUS_INFINITY INT32_MIN
#define INFINITY_US 9223372036825200000
#define MINUS_INFINITY_US (-9223372036832400000)

#define DAY_US 86400000000
#define SECOND_US 1000000

/* A text that is read from its beginning on; `bad` once something else stood there. */
struct scan {
    const char *p, *end;
    bool bad;
};

static bool has(struct scan *s, char c)
{
    bool yes = s->p < s->end && *s->p == c;
    s->p += yes;
    return yes;
}

static void expect(struct scan *s, char c)
{
    if (!has(s, c))
        s->bad = true;
}

static bool ends_with_word(struct scan *s, const char *word)
{
    size_t len = strlen(word);
    bool yes = (size_t)(s->end - s->p) == len && memcmp(s->p, word, len) == 0;
    if (yes)
        s->p = s->end;
    return yes;
}

static int64_t number(struct scan *s, int least, int most)
{
    int64_t n = 0;
    int digits = 0;
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9' && digits < most; digits++)
        n = n * 10 + (*s->p++ - '0');
    if (digits < least)
        s->bad = true;
    return n;
}

/* [.digits] in microseconds; the servers have no more than six. */
static int64_t fraction(struct scan *s)
{
    if (!has(s, '.'))
        return 0;
    int64_t us = 0, unit = SECOND_US / 10;
    const char *from = s->p;
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; unit /= 10)
        us += (*s->p++ - '0') * unit;
    if (s->p == from || s->p - from > 6)
        s->bad = true;
    return us;
}

static int64_t in_range(struct scan *s, int64_t n, int64_t least, int64_t most)
{
    if (n < least || n > most)
        s->bad = true;
    return n;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar, which both servers use for all times. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2; /* the year begins in March, so that a leap day is its last */
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
    *day = of_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = y + era * 400 + (*month <= 2);
}

struct date {
    int64_t year, month, day;
};

static struct date date(struct scan *s)
{
    struct date d;
    d.year = number(s, 4, 7);
    expect(s, '-');
    d.month = in_range(s, number(s, 2, 2), 1, 12);
    expect(s, '-');
    d.day = in_range(s, number(s, 2, 2), 1, 31);
    return d;
}

/* H:MM:SS[.fraction], hours as many as there are */
static int64_t time_of_day(struct scan *s)
{
    int64_t us = number(s, 1, 4) * 3600;
    expect(s, ':');
    us += in_range(s, number(s, 2, 2), 0, 59) * 60;
    expect(s, ':');
    us += in_range(s, number(s, 2, 2), 0, 60);
    return us * SECOND_US + fraction(s);
}

/* +HH[:MM[:SS]] in seconds; none is UTC */
static int64_t offset(struct scan *s)
{
    bool west = has(s, '-');
    if (!west && !has(s, '+'))
        return 0;
    int64_t seconds = number(s, 2, 2) * 3600;
    if (has(s, ':'))
        seconds += in_range(s, number(s, 2, 2), 0, 59) * 60;
    if (has(s, ':'))
        seconds += in_range(s, number(s, 2, 2), 0, 59);
    return west ? -seconds : seconds;
}

/* " BC" behind all the rest: year 1 BC is the year 0. */
static int64_t days_in_era(struct scan *s, struct date d)
{
    return ends_with_word(s, " BC") ? days_of(1 - d.year, d.month, d.day) : days_of(d.year, d.month, d.day);
}

static bool finished(const struct scan *s)
{
    return !s->bad && s->p == s->end;
}

bool audit_date(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    struct scan s = {text, text + len, false};
    int64_t days;
    if (ends_with_word(&s, "infinity"))
        days = DATE_INFINITY;
    else if (ends_with_word(&s, "-infinity"))
        days = DATE_MINUS_INFINITY;
    else
        days = days_in_era(&s, date(&s));
    if (!finished(&s))
        return false;
    buf_printf(out, "%" PRId64, days);
    return true;
}

static bool time_value(struct buf *out, const char *text, size_t len, int64_t unit_us)
{
    struct scan s = {text, text + len, false};
    bool negative = has(&s, '-');
    int64_t us = time_of_day(&s);
    if (!finished(&s))
        return false;
    buf_printf(out, "%" PRId64, (negative ? -us : us) / unit_us);
    return true;
}

bool audit_time_ms(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    return time_value(out, text, len, 1000);
}

bool audit_time_us(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    return time_value(out, text, len, 1);
}

/* Date, time, and an offset where there is one: microseconds since 1970. */
static int64_t timestamp(struct scan *s)
{
    if (ends_with_word(s, "infinity"))
        return INFINITY_US;
    if (ends_with_word(s, "-infinity"))
        return MINUS_INFINITY_US;
    struct date d = date(s);
    expect(s, ' ');
    int64_t us = time_of_day(s);
    us -= offset(s) * SECOND_US;
    int64_t days = days_in_era(s, d);
    /* PostgreSQL's years end at 294276, long before 64 bits do. */
    if (days < -3000000 || days > 106700000)
        s->bad = true;
    return s->bad ? 0 : days * DAY_US + us;
}

static bool timestamp_value(struct buf *out, const char *text, size_t len, int64_t unit_us)
{
    struct scan s = {text, text + len, false};
    int64_t us = timestamp(&s);
    if (!finished(&s))
        return false;
    if (us == INFINITY_US || us == MINUS_INFINITY_US)
        unit_us = 1;
    int64_t units = us / unit_us;
    buf_printf(out, "%" PRId64, units - (us % unit_us < 0));
    return true;
}

bool audit_timestamp_ms(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    return timestamp_value(out, text, len, 1000);
}

bool audit_timestamp_us(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    return timestamp_value(out, text, len, 1);
}

/* HH:MM:SS[.digits] */
static void add_time(struct buf *out, int64_t of_day_us, int digits)
{
    int64_t seconds = of_day_us / SECOND_US;
    buf_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (digits > 0) {
        char fraction_text[16];
        snprintf(fraction_text, sizeof(fraction_text), ".%06" PRId64, of_day_us % SECOND_US);
        buf_bytes(out, fraction_text, (size_t)digits + 1);
    }
}

bool audit_zoned_timestamp(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    struct scan s = {text, text + len, false};
    int64_t us = timestamp(&s);
    if (!finished(&s))
        return false;
    if (us == INFINITY_US || us == MINUS_INFINITY_US) {
        audit_json_text(out, text, len);
        return true;
    }
    int64_t days = us / DAY_US - (us % DAY_US < 0), of_day = us - days * DAY_US, year, month, day;
    date_of(days, &year, &month, &day);
    /* ISO 8601, as java.time prints it: years of more than four digits have a sign. */
    const char *sign = year < 0 ? "-" : year > 9999 ? "+" : "";
    buf_printf(out, "\"%s%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T", sign, year < 0 ? -year : year, month, day);
    add_time(out, of_day, type->scale);
    buf_str(out, "Z\"");
    return true;
}

bool audit_zoned_time(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    struct scan s = {text, text + len, false};
    int64_t us = time_of_day(&s);
    us -= offset(&s) * SECOND_US;
    if (!finished(&s))
        return false;
    us = (us % DAY_US + DAY_US) % DAY_US;
    buf_char(out, '"');
    add_time(out, us, type->scale);
    buf_str(out, "Z\"");
    return true;
}
