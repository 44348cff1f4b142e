/* Numbers of row events: little-endian integers, IEEE floats, packed decimals, bits. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/plant.h"
#include "cdc/mysql/values_parts.h"

/* No DECIMAL has more digits (MySQL 65 and scale 30, MariaDB 65 and scale 38). */
enum { DECIMAL_MAX_DIGITS = 65, DECIMAL_MAX_SCALE = 38 };

static size_t put_unsigned(char *out, uint64_t v)
{
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    for (size_t i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    out[n] = 0;
    return n;
}

static size_t put_signed(char *out, int64_t v)
{
    if (v >= 0)
        return put_unsigned(out, (uint64_t)v);
    out[0] = '-';
    return 1 + put_unsigned(out + 1, 0 - (uint64_t)v);
}

static size_t read_integer(struct reader *r, size_t bytes, bool is_unsigned, char *out)
{
    uint64_t v = my_read_le(r, bytes);
    if (is_unsigned)
        return put_unsigned(out, v);
    unsigned shift = (unsigned)(64 - 8 * bytes);
    return put_signed(out, (int64_t)(v << shift) >> shift);
}

/* The fewest digits that read back to the same bits. Whole numbers, by far the most common, need no trying. */
size_t my_double_text(char *out, double v)
{
    if (fabs(v) < 1e15 && v == (double)(int64_t)v && !(v == 0 && signbit(v)))
        return put_signed(out, (int64_t)v);
    for (int digits = fabs(v) < DBL_MIN ? 1 : 15;; digits++) {
        int n = snprintf(out, VALUE_TEXT_MAX, "%.*g", digits, v);
        if (digits == 17 || strtod(out, NULL) == v || PLANTED(B6_FLOATS_ROUNDED))
            return (size_t)n;
    }
}

size_t my_double_digits(char *out, double v)
{
    for (int digits = fabs(v) < DBL_MIN ? 0 : 14;; digits++) {
        int n = snprintf(out, VALUE_TEXT_MAX, "%.*e", digits, v);
        if (digits == 16 || strtod(out, NULL) == v)
            return (size_t)n;
    }
}

/* Read as the server does: to a double first, which must not be beyond the largest FLOAT. */
size_t my_float_text(char *out, float v)
{
    if (fabsf(v) < 1e6f && v == (float)(int32_t)v && !(v == 0 && signbit(v)))
        return put_signed(out, (int32_t)v);
    for (int digits = 6;; digits++) {
        int n = snprintf(out, VALUE_TEXT_MAX, "%.*g", digits, (double)v);
        double read = strtod(out, NULL);
        if (digits == 17 || ((float)read == v && fabs(read) <= (double)FLT_MAX))
            return (size_t)n;
    }
}

static size_t read_float(struct reader *r, char *out, const char **problem)
{
    uint32_t bits = (uint32_t)my_read_le(r, 4);
    float v;
    memcpy(&v, &bits, sizeof(v));
    if (!isfinite(v)) {
        *problem = "a FLOAT that is not a finite number";
        return 0;
    }
    return my_float_text(out, v);
}

static size_t read_double(struct reader *r, char *out, const char **problem)
{
    uint64_t bits = my_read_le(r, 8);
    double v;
    memcpy(&v, &bits, sizeof(v));
    if (!isfinite(v)) {
        *problem = "a DOUBLE that is not a finite number";
        return 0;
    }
    return my_double_text(out, v);
}

/* Appends `count` digits of `v`. */
static char *digits_of(char *p, uint32_t v, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        p[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return p + count;
}

/* Groups of nine digits in four bytes, fewer digits in fewer, big-endian; the first bit inverted, and all bits inverted
 * when negative (MySQL source, decimal2bin()). */
size_t my_decimal_text(struct reader *r, unsigned precision, unsigned scale, char *out)
{
    static const uint8_t bytes_of[10] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
    static const uint32_t limit_of[10] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
    if (precision == 0 || precision > DECIMAL_MAX_DIGITS || scale > DECIMAL_MAX_SCALE || scale > precision)
        return 0;
    unsigned whole = precision - scale;
    size_t size = (size_t)(whole / 9 * 4 + bytes_of[whole % 9] + scale / 9 * 4 + bytes_of[scale % 9]);
    const uint8_t *in = (const uint8_t *)read_bytes(r, size);
    if (!in)
        return 0;
    uint8_t mask = in[0] & 0x80 ? 0 : 0xff, first = 0x80;
    char digits[DECIMAL_MAX_DIGITS], *p = digits;
    unsigned groups[2] = {whole, scale};
    for (int part = 0; part < 2; part++) {
        unsigned left = groups[part];
        while (left) {
            unsigned now = part ? (left < 9 ? left : 9) : (left % 9 ? left % 9 : 9);
            uint32_t v = 0;
            for (unsigned i = 0; i < bytes_of[now]; i++, in++, first = 0)
                v = v << 8 | (uint8_t)(*in ^ first ^ mask);
            if (v >= limit_of[now])
                return 0;
            p = digits_of(p, v, (int)now);
            left -= now;
        }
    }
    size_t n = 0, start = 0;
    while (start + 1 < whole && digits[start] == '0')
        start++;
    if (mask)
        out[n++] = '-';
    if (!whole)
        out[n++] = '0';
    memcpy(out + n, digits + start, whole - start);
    n += whole - start;
    if (scale) {
        out[n++] = '.';
        memcpy(out + n, digits + whole, scale);
        n += scale;
    }
    out[n] = 0;
    return n;
}

static size_t read_decimal(struct reader *r, const struct my_log_column *column, char *out, const char **problem)
{
    size_t n = my_decimal_text(r, column->metadata >> 8, column->metadata & 0xff, out);
    if (!n && reader_ok(r))
        *problem = "a DECIMAL with digits that no DECIMAL has";
    return n;
}

static size_t read_bits(struct reader *r, const struct my_log_column *column, char *out, const char **problem)
{
    unsigned size = (unsigned)(column->metadata >> 8) + (column->metadata & 0xff ? 1 : 0);
    if (size == 0 || size > 8) {
        *problem = "a BIT of a size that no BIT has";
        return 0;
    }
    return put_unsigned(out, my_read_be(r, size));
}

static size_t read_members(struct reader *r, const struct my_log_column *column, char *out, const char **problem)
{
    unsigned size = column->metadata;
    if (size == 0 || size > 8 || (column->type == MY_LOG_ENUM && size > 2)) {
        *problem = "an ENUM or SET of a size that none has";
        return 0;
    }
    return put_unsigned(out, my_read_le(r, size));
}

size_t my_read_number(struct reader *r, const struct my_log_column *column, char *out, const char **problem)
{
    switch (column->type) {
    case MY_LOG_TINY:
        return read_integer(r, 1, column->is_unsigned, out);
    case MY_LOG_SHORT:
        return read_integer(r, 2, column->is_unsigned, out);
    case MY_LOG_INT24:
        return read_integer(r, 3, column->is_unsigned, out);
    case MY_LOG_LONG:
        return read_integer(r, 4, column->is_unsigned, out);
    case MY_LOG_LONGLONG:
        return read_integer(r, 8, column->is_unsigned, out);
    case MY_LOG_FLOAT:
        return read_float(r, out, problem);
    case MY_LOG_DOUBLE:
        return read_double(r, out, problem);
    case MY_LOG_NEWDECIMAL:
        return read_decimal(r, column, out, problem);
    case MY_LOG_YEAR: {
        uint8_t year = read_u8(r);
        return put_unsigned(out, year ? 1900u + year : 0);
    }
    case MY_LOG_BIT:
        return read_bits(r, column, out, problem);
    default:
        return read_members(r, column, out, problem);
    }
}
