/* Binary JSON as an SQL expression that rebuilds it.
 *
 * JSON text read by the server gives INTEGER up to 4294967295 and below zero, UNSIGNED INTEGER above, and reads numbers
 * of up to 15 digits to the nearest DOUBLE (all of them in recent versions; it is not relied on). What text does not
 * keep is cast from SQL values. For the opaque types that SQL expressions do not have (BLOB of four sizes, BINARY, BIT,
 * TIMESTAMP), a column of that type is made by JSON_TABLE(), and a recursive common table expression puts the value
 * into it: its columns have the types of the part that does not recur. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cdc/mysql/json_parts.h"
#include "cdc/mysql/types.h"
#include "cdc/mysql/values_parts.h"

enum { MAX_VARBINARY = 65535, MAX_BINARY = 255 };

/* rapidjson, on its fast path, is exact for up to 15 digits and powers of ten up to 22. */
static bool simple_double(double v)
{
    char text[VALUE_TEXT_MAX];
    size_t digits = 0;
    my_double_digits(text, v);
    const char *p = text;
    for (; *p && *p != 'e'; p++)
        digits += *p >= '0' && *p <= '9';
    while (digits > 1 && (p[-1] == '0' || p[-1] == '.'))
        digits -= *--p == '0';
    return digits <= 15 && (v == 0 || (fabs(v) >= 1e-7 && fabs(v) < 1e22));
}

static bool text_keeps_scalar(const struct json_scalar *s)
{
    switch (s->kind) {
    case JSON_IS_INT:
        return s->i <= UINT32_MAX;
    case JSON_IS_UINT:
        return s->u > UINT32_MAX;
    case JSON_IS_DOUBLE:
        return simple_double(s->d);
    case JSON_IS_OPAQUE:
        return false;
    default:
        return true;
    }
}

static bool text_keeps(const struct json_value *value, struct json_budget *budget)
{
    struct json_scalar scalar;
    struct json_container c;
    struct json_value element;
    if (!json_is_container(value->type))
        return json_scalar_of(value, &scalar) && text_keeps_scalar(&scalar);
    if (!json_open(value, &c))
        return false;
    for (size_t i = 0; i < c.count; i++)
        if (!json_element(&c, i, &element, budget) || !text_keeps(&element, budget))
            return false;
    return true;
}

static const char hex_digits[] = "0123456789ABCDEF";

static void add_hex(struct buf *out, const char *bytes, size_t len)
{
    buf_reserve(out, 2 * len);
    for (size_t i = 0; i < len; i++) {
        out->data[out->len++] = hex_digits[(uint8_t)bytes[i] >> 4];
        out->data[out->len++] = hex_digits[(uint8_t)bytes[i] & 15];
    }
    out->data[out->len] = 0;
}

static bool plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < 0x20 || text[i] > 0x7e || text[i] == '\'' || text[i] == '\\')
            return false;
    return true;
}

/* What was appended since `start` becomes a utf8mb4 literal, in place: the text grows from its end on. */
static void make_literal(struct buf *out, size_t start)
{
    static const char quoted[] = "_utf8mb4'", hex[] = "_utf8mb4 X'";
    size_t len = out->len - start;
    bool is_plain = plain(out->data + start, len);
    const char *prefix = is_plain ? quoted : hex;
    size_t before = strlen(prefix), total = before + (is_plain ? len : 2 * len) + 1;
    buf_reserve(out, total);
    char *text = out->data + start;
    memmove(text + before, text, len);
    if (!is_plain) {
        char *p = text + before;
        for (size_t i = len; i > 0; i--) {
            uint8_t byte = (uint8_t)p[i - 1];
            p[2 * i - 1] = hex_digits[byte & 15];
            p[2 * i - 2] = hex_digits[byte >> 4];
        }
    }
    memcpy(text, prefix, before);
    text[total - 1] = '\'';
    text[total] = 0;
    out->len = start + total;
}

static void utf8_literal(struct buf *out, const char *text, size_t len)
{
    size_t start = out->len;
    buf_bytes(out, text, len);
    make_literal(out, start);
}

static bool add_text(struct buf *out, const struct json_value *value, struct json_budget *budget)
{
    buf_str(out, "CAST(");
    size_t start = out->len;
    if (!json_value_text(out, value, 1, budget))
        return false;
    make_literal(out, start);
    buf_str(out, " AS JSON)");
    return true;
}

/* --- opaque values --- */

static void column_of_type(struct buf *out, const char *type)
{
    buf_str(out, "(WITH RECURSIVE c(n, v) AS (SELECT 1, a FROM JSON_TABLE('[null]', '$[*]' COLUMNS (a ");
    buf_str(out, type);
    buf_str(out, " PATH '$')) t UNION ALL SELECT 2, ");
}

static void end_of_column(struct buf *out)
{
    buf_str(out, " FROM c WHERE n = 1) SELECT CAST(v AS JSON) FROM c WHERE n = 2)");
}

/* A decimal is kept with the digits that its literal or its column had room for. */
static void decimal(struct buf *out, const char *text, unsigned precision, unsigned scale)
{
    const char *minus = text[0] == '-' ? "-" : "", *p = text + strlen(minus);
    size_t written = strcspn(p, "."), room = precision - scale;
    if (room == 0 && written == 1 && *p == '0')
        p++; /* .5 */
    if (room == 0 || room == written) {
        buf_printf(out, "CAST(%s%s%s AS JSON)", minus, p, scale ? "" : ".");
        return;
    }
    char type[32];
    snprintf(type, sizeof(type), "DECIMAL(%u,%u)", precision, scale);
    column_of_type(out, type);
    buf_str(out, text);
    end_of_column(out);
}

static bool binary(struct buf *out, const struct json_scalar *s)
{
    static const struct {
        uint8_t type;
        const char *name;
    } blobs[] = {{MY_LOG_TINY_BLOB, "TINYBLOB"}, {MY_LOG_BLOB, "BLOB"},     {MY_LOG_MEDIUM_BLOB, "MEDIUMBLOB"},
                 {MY_LOG_LONG_BLOB, "LONGBLOB"}, {MY_LOG_STRING, "BINARY"}, {MY_LOG_BIT, "BIT"}};
    if (s->field_type == MY_LOG_VARCHAR && s->len <= MAX_VARBINARY) {
        buf_str(out, "CAST(_binary X'");
        add_hex(out, s->bytes, s->len);
        buf_str(out, "' AS JSON)");
        return true;
    }
    if ((s->field_type == MY_LOG_STRING && s->len > MAX_BINARY) || (s->field_type == MY_LOG_BIT && s->len > 8))
        return false;
    for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++) {
        if (blobs[i].type != s->field_type)
            continue;
        bool bits = s->field_type == MY_LOG_BIT, sized = bits || s->field_type == MY_LOG_STRING;
        char type[32];
        if (sized)
            snprintf(type, sizeof(type), "%s(%zu)", blobs[i].name, bits ? 8 * s->len : s->len);
        else
            snprintf(type, sizeof(type), "%s", blobs[i].name);
        column_of_type(out, type);
        buf_str(out, "_binary X'");
        add_hex(out, s->bytes, s->len);
        buf_char(out, '\'');
        end_of_column(out);
        return true;
    }
    return false;
}

static bool opaque(struct buf *out, const struct json_scalar *s, const char **problem)
{
    char text[VALUE_TEXT_MAX];
    const char *type = NULL;
    switch (s->field_type) {
    case MY_LOG_NEWDECIMAL:
    case MY_LOG_TIMESTAMP:
        type = "";
        break;
    case MY_LOG_DATE:
        type = "DATE";
        break;
    case MY_LOG_TIME:
        type = "TIME(6)";
        break;
    case MY_LOG_DATETIME:
        type = "DATETIME(6)";
        break;
    default:
        if (binary(out, s))
            return true;
        *problem = "its JSON has an opaque value of a type that no SQL expression has";
        return false;
    }
    size_t n = json_opaque_text(s, text);
    text[n] = 0;
    if (!n)
        return false;
    if (s->field_type == MY_LOG_NEWDECIMAL) {
        decimal(out, text, (uint8_t)s->bytes[0], (uint8_t)s->bytes[1]);
    } else if (s->field_type == MY_LOG_TIMESTAMP) {
        column_of_type(out, "TIMESTAMP(6)");
        buf_printf(out, "'%s'", text);
        end_of_column(out);
    } else {
        buf_printf(out, "CAST(CAST('%s' AS %s) AS JSON)", text, type);
    }
    return true;
}

/* --- all --- */

static bool typed_scalar(struct buf *out, const struct json_value *value, const char **problem)
{
    struct json_scalar s;
    char text[VALUE_TEXT_MAX];
    if (!json_scalar_of(value, &s))
        return false;
    switch (s.kind) {
    case JSON_IS_INT:
        buf_printf(out, "CAST(%" PRId64 " AS JSON)", s.i);
        return true;
    case JSON_IS_UINT:
        buf_printf(out, "CAST(CAST(%" PRIu64 " AS UNSIGNED) AS JSON)", s.u);
        return true;
    case JSON_IS_DOUBLE:
        my_double_digits(text, s.d);
        buf_printf(out, "CAST(%s AS JSON)", text);
        return true;
    default:
        return opaque(out, &s, problem);
    }
}

/* The document is known to be valid, so what is walked more than once here is bounded by its depth. */
static bool expression(struct buf *out, const struct json_value *value, const struct json_budget *whole,
                       const char **problem)
{
    struct json_budget budget = *whole;
    struct json_container c;
    struct json_value element;
    const char *key;
    size_t len;
    if (text_keeps(value, &budget)) {
        budget = *whole;
        return add_text(out, value, &budget);
    }
    if (!json_is_container(value->type))
        return typed_scalar(out, value, problem);
    if (!json_open(value, &c))
        return false;
    buf_str(out, c.object ? "JSON_OBJECT(" : "JSON_ARRAY(");
    for (size_t i = 0; i < c.count; i++) {
        budget = *whole;
        if (i)
            buf_str(out, ", ");
        if (c.object) {
            if (!json_key(&c, i, &key, &len, &budget))
                return false;
            utf8_literal(out, key, len);
            buf_str(out, ", ");
        }
        if (!json_element(&c, i, &element, &budget) || !expression(out, &element, whole, problem))
            return false;
    }
    buf_char(out, ')');
    return true;
}

bool my_json_expression(struct buf *out, const void *data, size_t len, const char **problem)
{
    struct json_value root;
    struct json_budget budget;
    *problem = NULL;
    if (my_json_valid(data, len) && json_root(data, len, &root, &budget)) {
        budget = (struct json_budget){.values = len + 1, .bytes = len + 1};
        if (expression(out, &root, &budget, problem))
            return true;
    }
    if (!*problem)
        *problem = "its binary JSON is damaged";
    return false;
}
