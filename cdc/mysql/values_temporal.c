/* Dates and times of row events: the forms since MySQL 5.6 (TIME2, DATETIME2, TIMESTAMP2), the older ones, and those
 * with which MariaDB kept fractions before it had the new forms (mysql56_temporal_format=OFF). */
#include <stdio.h>
#include <string.h>

#include "cdc/mysql/values_parts.h"

enum { MAX_FRACTION = 6 };

static const uint32_t power10[MAX_FRACTION + 1] = {1, 10, 100, 1000, 10000, 100000, 1000000};

struct moment {
    unsigned year, month, day, hour, minute, second, microsecond;
    bool negative;
};

static char *put2(char *p, unsigned v)
{
    *p++ = (char)('0' + v / 10 % 10);
    *p++ = (char)('0' + v % 10);
    return p;
}

static char *put_date(char *p, const struct moment *m)
{
    p = put2(p, m->year / 100);
    p = put2(p, m->year % 100);
    *p++ = '-';
    p = put2(p, m->month);
    *p++ = '-';
    return put2(p, m->day);
}

static char *put_time(char *p, const struct moment *m, unsigned digits)
{
    if (m->hour >= 100)
        *p++ = (char)('0' + m->hour / 100 % 10);
    p = put2(p, m->hour % 100);
    *p++ = ':';
    p = put2(p, m->minute);
    *p++ = ':';
    p = put2(p, m->second);
    if (digits) {
        *p++ = '.';
        unsigned v = m->microsecond / power10[MAX_FRACTION - digits];
        for (unsigned i = digits; i > 0; i--)
            *p++ = (char)('0' + v / power10[i - 1] % 10);
    }
    return p;
}

static size_t date_text(char *out, const struct moment *m)
{
    return (size_t)(put_date(out, m) - out);
}

static size_t datetime_text(char *out, const struct moment *m, unsigned digits)
{
    char *p = put_date(out, m);
    *p++ = ' ';
    return (size_t)(put_time(p, m, digits) - out);
}

static size_t time_text(char *out, const struct moment *m, unsigned digits)
{
    char *p = out;
    if (m->negative)
        *p++ = '-';
    return (size_t)(put_time(p, m, digits) - out);
}

/* Days since 1970-01-01 as a date of the proleptic Gregorian calendar, which is the server's. */
static void civil_from_days(uint32_t days, struct moment *m)
{
    uint32_t z = days + 719468, era = z / 146097, doe = z - era * 146097;
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    m->day = doy - (153 * mp + 2) / 5 + 1;
    m->month = mp < 10 ? mp + 3 : mp - 9;
    m->year = yoe + era * 400 + (m->month <= 2);
}

/* Seconds are unsigned: MariaDB from 11.5 on goes up to 2106. Nothing is the zero date. */
static size_t timestamp_text(char *out, uint32_t seconds, uint32_t microsecond, unsigned digits)
{
    struct moment m = {.microsecond = microsecond};
    if (seconds || microsecond) {
        civil_from_days(seconds / 86400, &m);
        uint32_t rest = seconds % 86400;
        m.hour = rest / 3600;
        m.minute = rest / 60 % 60;
        m.second = rest % 60;
    }
    return datetime_text(out, &m, digits);
}

static bool moment_ok(const struct moment *m, unsigned max_hour)
{
    return m->year <= 9999 && m->month <= 12 && m->day <= 31 && m->hour <= max_hour && m->minute <= 59 &&
           m->second <= 59 && m->microsecond <= 999999;
}

static size_t refuse(const char **problem)
{
    *problem = "a date or time that none can be";
    return 0;
}

static size_t read_date(struct reader *r, char *out, const char **problem)
{
    uint32_t v = (uint32_t)my_read_le(r, 3);
    struct moment m = {.day = v & 31, .month = v >> 5 & 15, .year = v >> 9};
    return moment_ok(&m, 0) ? date_text(out, &m) : refuse(problem);
}

/* --- since MySQL 5.6: big-endian, offset so that bytes sort, then the fraction in (digits + 1) / 2 bytes --- */

static uint32_t read_fraction(struct reader *r, unsigned digits)
{
    static const uint32_t unit[4] = {0, 10000, 100, 1};
    unsigned bytes = (digits + 1) / 2;
    return (uint32_t)my_read_be(r, bytes) * unit[bytes];
}

static size_t read_timestamp2(struct reader *r, unsigned digits, char *out, const char **problem)
{
    uint32_t seconds = (uint32_t)my_read_be(r, 4), fraction = read_fraction(r, digits);
    return fraction <= 999999 ? timestamp_text(out, seconds, fraction, digits) : refuse(problem);
}

static size_t read_datetime2(struct reader *r, unsigned digits, char *out, const char **problem)
{
    uint64_t v = my_read_be(r, 5);
    uint32_t fraction = read_fraction(r, digits);
    if (!reader_ok(r))
        return 0;
    if (v < UINT64_C(0x8000000000))
        return refuse(problem);
    v -= UINT64_C(0x8000000000);
    uint32_t year_month = (uint32_t)(v >> 22);
    struct moment m = {.year = year_month / 13,
                       .month = year_month % 13,
                       .day = v >> 17 & 31,
                       .hour = v >> 12 & 31,
                       .minute = v >> 6 & 63,
                       .second = v & 63,
                       .microsecond = fraction};
    return moment_ok(&m, 23) ? datetime_text(out, &m, digits) : refuse(problem);
}

/* Time and fraction are one number, so a negative one borrows from the seconds. */
static size_t read_time2(struct reader *r, unsigned digits, char *out, const char **problem)
{
    static const uint32_t unit[4] = {0, 10000, 100, 1};
    unsigned bytes = (digits + 1) / 2, shift = 8 * bytes;
    int64_t v = (int64_t)my_read_be(r, 3 + bytes) - ((int64_t)0x800000 << shift);
    if (!reader_ok(r))
        return 0;
    struct moment m = {.negative = v < 0};
    uint64_t magnitude = (uint64_t)(v < 0 ? -v : v);
    uint64_t fraction = magnitude & ((UINT64_C(1) << shift) - 1), hms = magnitude >> shift;
    m.hour = (unsigned)(hms >> 12 & 1023);
    m.minute = hms >> 6 & 63;
    m.second = hms & 63;
    m.microsecond = (unsigned)fraction * unit[bytes];
    return moment_ok(&m, 838) && hms >> 22 == 0 ? time_text(out, &m, digits) : refuse(problem);
}

/* --- older --- */

static size_t read_old_time(struct reader *r, char *out, const char **problem)
{
    int32_t v = (int32_t)((uint32_t)my_read_le(r, 3) << 8) >> 8;
    struct moment m = {.negative = v < 0};
    unsigned magnitude = (unsigned)(v < 0 ? -v : v);
    m.hour = magnitude / 10000;
    m.minute = magnitude / 100 % 100;
    m.second = magnitude % 100;
    return moment_ok(&m, 838) ? time_text(out, &m, 0) : refuse(problem);
}

static size_t read_old_datetime(struct reader *r, char *out, const char **problem)
{
    uint64_t v = my_read_le(r, 8);
    if (v > UINT64_C(99991231235959))
        return refuse(problem);
    uint32_t date = (uint32_t)(v / 1000000), time = (uint32_t)(v % 1000000);
    struct moment m = {.year = date / 10000,
                       .month = date / 100 % 100,
                       .day = date % 100,
                       .hour = time / 10000,
                       .minute = time / 100 % 100,
                       .second = time % 100};
    return moment_ok(&m, 23) ? datetime_text(out, &m, 0) : refuse(problem);
}

/* --- MariaDB's older ones with fractions: one big-endian number, in units of the last digit (MariaDB source,
 * sql/field.cc: Field_timestamp_hires, Field_time_hires, Field_datetime_hires; pack_time()) --- */

static void unpack(uint64_t packed, unsigned digits, struct moment *m)
{
    m->microsecond = (unsigned)(packed % power10[digits]) * power10[MAX_FRACTION - digits];
    packed /= power10[digits];
    m->second = packed % 60;
    packed /= 60;
    m->minute = packed % 60;
    packed /= 60;
    m->hour = packed % 24;
    packed /= 24;
    m->day = packed % 32;
    packed /= 32;
    m->month = packed % 13;
    m->year = packed / 13 > 9999 ? 10000 : (unsigned)(packed / 13);
}

static size_t read_hires_timestamp(struct reader *r, unsigned digits, char *out, const char **problem)
{
    uint32_t seconds = (uint32_t)my_read_be(r, 4), fraction = (uint32_t)my_read_be(r, (digits + 1) / 2);
    if (fraction >= power10[digits])
        return refuse(problem);
    return timestamp_text(out, seconds, fraction * power10[MAX_FRACTION - digits], digits);
}

static size_t read_hires_datetime(struct reader *r, unsigned digits, char *out, const char **problem)
{
    static const uint8_t bytes[MAX_FRACTION + 1] = {5, 6, 6, 7, 7, 7, 8};
    struct moment m = {0};
    unpack(my_read_be(r, bytes[digits]), digits, &m);
    return moment_ok(&m, 23) ? datetime_text(out, &m, digits) : refuse(problem);
}

static size_t read_hires_time(struct reader *r, unsigned digits, char *out, const char **problem)
{
    static const uint8_t bytes[MAX_FRACTION + 1] = {3, 4, 4, 5, 5, 5, 6};
    int64_t zero = INT64_C(3020400) * power10[digits]; /* one second more than the longest TIME */
    int64_t v = (int64_t)my_read_be(r, bytes[digits]) - zero;
    if (!reader_ok(r))
        return 0;
    if (v <= -zero || v >= zero)
        return refuse(problem);
    struct moment m = {.negative = v < 0};
    uint64_t magnitude = (uint64_t)(v < 0 ? -v : v);
    uint32_t seconds = (uint32_t)(magnitude / power10[digits]);
    m.microsecond = (unsigned)(magnitude % power10[digits]) * power10[MAX_FRACTION - digits];
    m.hour = seconds / 3600;
    m.minute = seconds / 60 % 60;
    m.second = seconds % 60;
    return time_text(out, &m, digits);
}

size_t my_read_temporal(struct reader *r, const struct my_log_column *column, char *out, const char **problem)
{
    bool new_form = column->type >= MY_LOG_TIMESTAMP2 && column->type <= MY_LOG_TIME2;
    unsigned digits = new_form ? column->metadata : column->length;
    if (column->type == MY_LOG_DATE || column->type == MY_LOG_NEWDATE)
        return read_date(r, out, problem);
    if (digits > MAX_FRACTION) {
        *problem = "a time with more fraction digits than any has";
        return 0;
    }
    switch (column->type) {
    case MY_LOG_TIMESTAMP2:
        return read_timestamp2(r, digits, out, problem);
    case MY_LOG_DATETIME2:
        return read_datetime2(r, digits, out, problem);
    case MY_LOG_TIME2:
        return read_time2(r, digits, out, problem);
    case MY_LOG_TIMESTAMP:
        return digits ? read_hires_timestamp(r, digits, out, problem)
                      : timestamp_text(out, (uint32_t)my_read_le(r, 4), 0, 0);
    case MY_LOG_DATETIME:
        return digits ? read_hires_datetime(r, digits, out, problem) : read_old_datetime(r, out, problem);
    default:
        return digits ? read_hires_time(r, digits, out, problem) : read_old_time(r, out, problem);
    }
}
