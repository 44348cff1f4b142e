#include "cli/values.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit size_units[] = {
    {"B", 1}, {"KiB", 1LL << 10}, {"MiB", 1LL << 20}, {"GiB", 1LL << 30}, {"TiB", 1LL << 40},
};
static const struct unit time_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000},
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Reads digits; false without any, or when they do not fit. */
static bool digits(const char **p, int64_t *out)
{
    if (!isdigit((unsigned char)**p))
        return false;
    int64_t n = 0;
    for (; isdigit((unsigned char)**p); ++*p)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (int64_t)(**p - '0'), &n))
            return false;
    *out = n;
    return true;
}

enum sc_result value_int(const char *text, int64_t *out, struct sc_error *err)
{
    const char *p = text;
    bool negative = *p == '-';
    p += negative;
    if (!digits(&p, out) || *p)
        return error_set(err, SC_REFUSE, "\"%s\" is not a whole number", text);
    if (negative)
        *out = -*out;
    return SC_OK;
}

/* One number with its unit: 64MiB, 1.5s. A fraction must come out whole in the smallest unit. */
static bool quantity(const char **p, const struct unit *units, size_t count, int64_t *out, bool *unit_missing)
{
    int64_t whole = 0, fraction = 0, scale = 1;
    if (!digits(p, &whole))
        return false;
    if (**p == '.') {
        ++*p;
        const char *start = *p;
        if (!digits(p, &fraction) || *p - start > 6)
            return false;
        for (const char *q = start; q < *p; q++)
            scale *= 10;
    }
    *p += strspn(*p, " ");
    size_t len = 0;
    while (isalpha((unsigned char)(*p)[len]))
        len++;
    *unit_missing = len == 0;
    for (size_t i = 0; i < count; i++) {
        if (strlen(units[i].name) != len || strncasecmp(*p, units[i].name, len) != 0)
            continue;
        int64_t part;
        if (__builtin_mul_overflow(whole, units[i].factor, out) ||
            __builtin_mul_overflow(fraction, units[i].factor, &part) || part % scale != 0 ||
            __builtin_add_overflow(*out, part / scale, out))
            return false;
        *p += len;
        return true;
    }
    return false;
}

enum sc_result value_size(const char *text, int64_t *bytes, struct sc_error *err)
{
    const char *p = text;
    bool unit_missing = false;
    if (strcmp(text, "0") == 0) {
        *bytes = 0;
        return SC_OK;
    }
    if (quantity(&p, size_units, COUNT(size_units), bytes, &unit_missing) && !*p)
        return SC_OK;
    error_set(err, SC_REFUSE, unit_missing ? "\"%s\" has no unit" : "\"%s\" is not a size", text);
    return error_hint(err, "Write it as 64MiB; the units are B, KiB, MiB, GiB and TiB.");
}

enum sc_result value_duration(const char *text, int64_t *ms, struct sc_error *err)
{
    const char *p = text;
    bool unit_missing = false, good = *p != 0;
    int64_t sum = 0;
    if (strcmp(text, "0") == 0) {
        *ms = 0;
        return SC_OK;
    }
    while (good && *p) {
        int64_t part = 0;
        good = quantity(&p, time_units, COUNT(time_units), &part, &unit_missing) &&
               !__builtin_add_overflow(sum, part, &sum);
        p += strspn(p, " ");
    }
    if (good) {
        *ms = sum;
        return SC_OK;
    }
    error_set(err, SC_REFUSE, unit_missing ? "\"%s\" has no unit" : "\"%s\" is not a duration", text);
    return error_hint(err, "Write it as 500ms, 10s or 1m30s; the units are ms, s, m, h and d.");
}

enum sc_result value_bool(const char *text, bool *out, struct sc_error *err)
{
    static const char *const words[] = {"false", "true", "off", "on", "no", "yes", "0", "1"};
    for (size_t i = 0; i < COUNT(words); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *out = i % 2 == 1;
            return SC_OK;
        }
    }
    error_set(err, SC_REFUSE, "\"%s\" is neither true nor false", text);
    return error_hint(err, "Write true or false (on/off and yes/no are understood too).");
}

static void largest_unit(struct buf *out, int64_t n, const struct unit *units, size_t count)
{
    if (n == 0) {
        buf_char(out, '0');
        return;
    }
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (n % units[i].factor == 0 && units[i].factor > units[best].factor)
            best = i;
    buf_printf(out, "%" PRId64 "%s", n / units[best].factor, units[best].name);
}

void value_size_text(struct buf *out, int64_t bytes)
{
    largest_unit(out, bytes, size_units, COUNT(size_units));
}

void value_duration_text(struct buf *out, int64_t ms)
{
    largest_unit(out, ms, time_units, COUNT(time_units));
}

/* Edits that turn a into b: insert, delete, replace, or exchange two neighbours (optimal string alignment). */
#define WORD_MAX 40
static int edits(const char *a, const char *b)
{
    int rows[WORD_MAX + 1][WORD_MAX + 1];
    int la = (int)strlen(a), lb = (int)strlen(b);
    if (la > WORD_MAX || lb > WORD_MAX)
        return WORD_MAX;
    for (int i = 0; i <= la; i++) {
        for (int j = 0; j <= lb; j++) {
            if (i == 0 || j == 0) {
                rows[i][j] = i + j;
                continue;
            }
            int best = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (rows[i - 1][j] + 1 < best)
                best = rows[i - 1][j] + 1;
            if (rows[i][j - 1] + 1 < best)
                best = rows[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && rows[i - 2][j - 2] + 1 < best)
                best = rows[i - 2][j - 2] + 1;
            rows[i][j] = best;
        }
    }
    return rows[la][lb];
}

const char *nearest_word(const char *typed, const char *const *words, size_t count)
{
    const char *best = NULL;
    size_t len = strlen(typed);
    int best_edits = len < 3 ? 1 : len < 6 ? 2 : 3; /* more than a third of a word is another word */
    best_edits++;
    for (size_t i = 0; i < count; i++) {
        int n = edits(typed, words[i]);
        if (n < best_edits) {
            best_edits = n;
            best = words[i];
        }
    }
    for (size_t i = 0; !best && len >= 3 && i < count; i++) /* --work for --workers */
        if (strncmp(words[i], typed, len) == 0)
            best = words[i];
    return best;
}
