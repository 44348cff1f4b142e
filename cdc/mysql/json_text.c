/* Binary JSON as the text that the server prints. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "cdc/mysql/json_parts.h"
#include "cdc/mysql/types.h"
#include "cdc/mysql/values_parts.h"

void json_quoted(struct buf *out, const char *text, size_t len)
{
    static const char escapes[] = "\b\f\n\r\t\"\\", names[] = "bfnrt\"\\";
    size_t start = 0;
    buf_char(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_bytes(out, text + start, i - start);
        start = i + 1;
        const char *known = c ? memchr(escapes, c, sizeof(escapes) - 1) : NULL;
        if (known)
            buf_printf(out, "\\%c", names[known - escapes]);
        else
            buf_printf(out, "\\u%04x", c);
    }
    buf_bytes(out, text + start, len - start);
    buf_char(out, '"');
}

/* Digits as few as read back, without exponent from 1e-15 up to 1e15, and never like an integer (MySQL source,
 * my_gcvt() and Json_wrapper's printing). */
static void double_text(struct buf *out, double v)
{
    char text[VALUE_TEXT_MAX], digits[32];
    my_double_digits(text, v);
    /* text: [-]d[.ddd]e[+-]x */
    const char *p = text, *e = strchr(text, 'e');
    size_t n = 0;
    int exponent = e ? (int)strtol(e + 1, NULL, 10) : 0;
    if (*p == '-') {
        buf_char(out, '-');
        p++;
    }
    for (; *p && *p != 'e' && n < sizeof(digits); p++)
        if (*p != '.')
            digits[n++] = *p;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (n == 0 || digits[0] == '0') {
        buf_str(out, "0.0");
    } else if (exponent < -15 || exponent > 14) {
        buf_char(out, digits[0]);
        if (n > 1) {
            buf_char(out, '.');
            buf_bytes(out, digits + 1, n - 1);
        }
        buf_printf(out, "e%d", exponent);
    } else if (exponent < 0) {
        buf_str(out, "0.");
        for (int i = -1; i > exponent; i--)
            buf_char(out, '0');
        buf_bytes(out, digits, n);
    } else {
        for (size_t i = 0; i <= (size_t)exponent; i++)
            buf_char(out, i < n ? digits[i] : '0');
        buf_char(out, '.');
        if (n > (size_t)exponent + 1)
            buf_bytes(out, digits + exponent + 1, n - (size_t)exponent - 1);
        else
            buf_char(out, '0');
    }
}

/* One number for all of it: seconds and what is above in the upper 40 bits, microseconds in the lower 24; TIME has its
 * hours where DATETIME has the day (MySQL source, my_time.cc: TIME_to_longlong_packed()). */
static size_t packed_time_text(uint8_t field_type, int64_t packed, char *out)
{
    uint64_t magnitude = packed < 0 ? 0 - (uint64_t)packed : (uint64_t)packed;
    uint64_t whole = magnitude >> 24, year_month = whole >> 22;
    unsigned micro = magnitude & 0xffffff, second = whole & 63, minute = whole >> 6 & 63;
    unsigned month = (unsigned)(year_month % 13), day = whole >> 17 & 31;
    int n;
    if (micro > 999999 || second > 59 || minute > 59)
        return 0;
    if (field_type == MY_LOG_TIME) {
        if (whole >> 22)
            return 0;
        n = snprintf(out, VALUE_TEXT_MAX, "%s%02u:%02u:%02u.%06u", packed < 0 ? "-" : "",
                     (unsigned)(whole >> 12 & 1023), minute, second, micro);
        return n < 0 ? 0 : (size_t)n;
    }
    if (packed < 0 || year_month / 13 > 9999 || (whole >> 12 & 31) > 23)
        return 0;
    n = snprintf(out, VALUE_TEXT_MAX, "%04u-%02u-%02u", (unsigned)(year_month / 13), month, day);
    if (field_type != MY_LOG_DATE)
        n += snprintf(out + n, VALUE_TEXT_MAX - (size_t)n, " %02u:%02u:%02u.%06u", (unsigned)(whole >> 12 & 31), minute,
                      second, micro);
    return n < 0 ? 0 : (size_t)n;
}

size_t json_opaque_text(const struct json_scalar *scalar, char *out)
{
    struct reader r = reader_of(scalar->bytes, scalar->len);
    switch (scalar->field_type) {
    case MY_LOG_DATE:
    case MY_LOG_TIME:
    case MY_LOG_DATETIME:
    case MY_LOG_TIMESTAMP:
        return scalar->len == 8 ? packed_time_text(scalar->field_type, (int64_t)my_read_le(&r, 8), out) : 0;
    case MY_LOG_NEWDECIMAL: {
        unsigned precision = read_u8(&r), scale = read_u8(&r);
        size_t n = my_decimal_text(&r, precision, scale, out);
        return reader_done(&r) ? n : 0;
    }
    default:
        return 0;
    }
}

static bool is_time(uint8_t type)
{
    return type == MY_LOG_DATE || type == MY_LOG_TIME || type == MY_LOG_DATETIME || type == MY_LOG_TIMESTAMP;
}

static void base64(struct buf *out, const uint8_t *in, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        uint32_t v =
            (uint32_t)in[i] << 16 | (i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0) | (i + 2 < len ? in[i + 2] : 0);
        buf_char(out, digits[v >> 18]);
        buf_char(out, digits[v >> 12 & 63]);
        buf_char(out, i + 1 < len ? digits[v >> 6 & 63] : '=');
        buf_char(out, i + 2 < len ? digits[v & 63] : '=');
        if (i % 57 == 54 && i + 3 < len)
            buf_str(out, "\\n"); /* the server's encoder breaks lines at 76 characters */
    }
}

static bool opaque(struct buf *out, const struct json_scalar *scalar)
{
    char text[VALUE_TEXT_MAX];
    if (scalar->field_type == MY_LOG_NEWDECIMAL || is_time(scalar->field_type)) {
        size_t n = json_opaque_text(scalar, text);
        bool quotes = scalar->field_type != MY_LOG_NEWDECIMAL;
        if (quotes)
            buf_char(out, '"');
        buf_bytes(out, text, n);
        if (quotes)
            buf_char(out, '"');
        return n != 0;
    }
    buf_printf(out, "\"base64:type%u:", scalar->field_type);
    base64(out, (const uint8_t *)scalar->bytes, scalar->len);
    buf_char(out, '"');
    return true;
}

bool json_scalar_text(struct buf *out, const struct json_scalar *scalar)
{
    switch (scalar->kind) {
    case JSON_IS_NULL:
        buf_str(out, "null");
        return true;
    case JSON_IS_BOOL:
        buf_str(out, scalar->boolean ? "true" : "false");
        return true;
    case JSON_IS_INT:
        buf_printf(out, "%" PRId64, scalar->i);
        return true;
    case JSON_IS_UINT:
        buf_printf(out, "%" PRIu64, scalar->u);
        return true;
    case JSON_IS_DOUBLE:
        double_text(out, scalar->d);
        return true;
    case JSON_IS_STRING:
        json_quoted(out, scalar->bytes, scalar->len);
        return true;
    case JSON_IS_OPAQUE:
        return opaque(out, scalar);
    }
    return false;
}

bool json_value_text(struct buf *out, const struct json_value *value, unsigned depth, struct json_budget *budget)
{
    struct json_scalar scalar;
    struct json_container c;
    struct json_value element;
    const char *key;
    size_t len;
    if (!json_is_container(value->type))
        return json_scalar_of(value, &scalar) && json_scalar_text(out, &scalar);
    if (depth > MY_JSON_DEPTH || !json_open(value, &c))
        return false;
    buf_char(out, c.object ? '{' : '[');
    for (size_t i = 0; i < c.count; i++) {
        if (i)
            buf_str(out, ", ");
        if (c.object) {
            if (!json_key(&c, i, &key, &len, budget))
                return false;
            json_quoted(out, key, len);
            buf_str(out, ": ");
        }
        if (!json_element(&c, i, &element, budget) || !json_value_text(out, &element, depth + 1, budget))
            return false;
    }
    buf_char(out, c.object ? '}' : ']');
    return true;
}
