/* Binary JSON as an SQL expression that rebuilds it.
 *
 * JSON text read by the server gives INTEGER up to 4294967295 and below zero, UNSIGNED INTEGER above, and reads numbers
 * of up to 15 digits to the nearest DOUBLE (all of them in recent versions; it is not relied on). What text does not
 * keep is cast from SQL values. For the opaque types that SQL expressions do not have (BLOB of four sizes, BINARY, BIT,
 * TIMESTAMP), a column of that type is made by JSON_TABLE(), and a recursive common table expression puts the value
 * into it: its columns have the types of the part that does not recur. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cdc/mysql/json_parts.h"
#include "cdc/mysql/types.h"
#include "cdc/mysql/values_parts.h"

enum { MAX_VARBINARY = 65535, MAX_BINARY = 255 };

/* Columns of one JSON_TABLE(), and bytes of those that are in its row. The server's limits are 4096 and 65535. */
enum { MAX_COLUMNS_TYPED = 1000, MAX_ROW = 60000 };

struct expression {
    struct buf *out;
    struct json_budget whole;
    struct buf values, columns; /* of JSON_TABLE() */
    unsigned ncolumns;
    size_t row;
    const char *problem;
};

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

/* A column of the type, whose value was or will be appended to e->values. An error in it must not become a NULL. */
static bool typed_column(struct expression *e, const char *type, size_t n, size_t row)
{
    e->row += row;
    if (e->ncolumns >= MAX_COLUMNS_TYPED || e->row > MAX_ROW) {
        e->problem = "its JSON has more binary values or timestamps than one expression can hold";
        return false;
    }
    buf_printf(&e->columns, e->ncolumns ? ", c%u %s" : "c%u %s", e->ncolumns, type);
    if (n)
        buf_printf(&e->columns, "(%zu)", n);
    buf_printf(&e->columns, " PATH '$[%u]' ERROR ON EMPTY ERROR ON ERROR", e->ncolumns);
    buf_printf(e->out, "CAST(c%u AS JSON)", e->ncolumns);
    buf_str(&e->values, e->ncolumns ? ", " : "");
    e->ncolumns++;
    return true;
}

static bool binary(struct expression *e, const struct json_scalar *s)
{
    static const struct {
        uint8_t type;
        const char *name;
    } blobs[] = {{MY_LOG_TINY_BLOB, "TINYBLOB"},
                 {MY_LOG_BLOB, "BLOB"},
                 {MY_LOG_MEDIUM_BLOB, "MEDIUMBLOB"},
                 {MY_LOG_LONG_BLOB, "LONGBLOB"},
                 {MY_LOG_STRING, "BINARY"}};
    struct buf *to = &e->values;
    const char *behind = "'";
    bool done = false;
    if (s->field_type == MY_LOG_VARCHAR && s->len <= MAX_VARBINARY) {
        buf_str(e->out, "CAST(");
        to = e->out;
        behind = "' AS JSON)";
        done = true;
    }
    for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]) && !done; i++) {
        if (blobs[i].type != s->field_type)
            continue;
        bool in_row = s->field_type == MY_LOG_STRING;
        if (in_row && (s->len == 0 || s->len > MAX_BINARY))
            break;
        if (!typed_column(e, blobs[i].name, in_row ? s->len : 0, in_row ? s->len : 16))
            return false;
        done = true;
    }
    if (!done) {
        e->problem = "its JSON has an opaque value of a type that no SQL expression has";
        return false;
    }
    buf_str(to, "_binary X'");
    add_hex(to, s->bytes, s->len);
    buf_str(to, behind);
    return true;
}

static bool bits(struct expression *e, const struct json_scalar *s)
{
    uint64_t v = 0;
    if (s->len == 0 || s->len > 8)
        return false;
    for (size_t i = 0; i < s->len; i++)
        v = v << 8 | (uint8_t)s->bytes[i];
    if (!typed_column(e, "BIT", 8 * s->len, 8))
        return false;
    buf_printf(&e->values, "%" PRIu64, v);
    return true;
}

/* A literal is kept with the digits it is written with, a cast with room for multiples of nine. Where the document's
 * came from a column, with room for as many as that had, this changes: what it takes to store, not value, text or type.
 */
static void decimal(struct buf *out, const char *text, unsigned precision, unsigned scale)
{
    const char *minus = text[0] == '-' ? "-" : "", *p = text + strlen(minus);
    size_t written = strcspn(p, "."), room = precision - scale;
    if (room == 0 && written == 1 && *p == '0')
        p++; /* .5 */
    if (room == 0 || room == written)
        buf_printf(out, "CAST(%s%s%s AS JSON)", minus, p, scale ? "" : ".");
    else
        buf_printf(out, "CAST(CAST(%s AS DECIMAL(%u,%u)) AS JSON)", text, precision, scale);
}

static bool opaque(struct expression *e, const struct json_scalar *s)
{
    char text[VALUE_TEXT_MAX];
    size_t n = json_opaque_text(s, text);
    text[n] = 0;
    switch (s->field_type) {
    case MY_LOG_NEWDECIMAL:
        if (n)
            decimal(e->out, text, (uint8_t)s->bytes[0], (uint8_t)s->bytes[1]);
        return n != 0;
    case MY_LOG_TIMESTAMP:
        if (!n || !typed_column(e, "TIMESTAMP", 6, 16))
            return false;
        buf_printf(&e->values, "'%s'", text);
        return true;
    case MY_LOG_DATE:
        buf_printf(e->out, "CAST(CAST('%s' AS DATE) AS JSON)", text);
        return n != 0;
    case MY_LOG_TIME:
        buf_printf(e->out, "CAST(CAST('%s' AS TIME(6)) AS JSON)", text);
        return n != 0;
    case MY_LOG_DATETIME:
        buf_printf(e->out, "CAST(CAST('%s' AS DATETIME(6)) AS JSON)", text);
        return n != 0;
    case MY_LOG_BIT:
        return bits(e, s);
    default:
        return binary(e, s);
    }
}

/* --- all --- */

static bool typed_scalar(struct expression *e, const struct json_value *value)
{
    struct json_scalar s;
    char text[VALUE_TEXT_MAX];
    if (!json_scalar_of(value, &s))
        return false;
    switch (s.kind) {
    case JSON_IS_INT:
        buf_printf(e->out, "CAST(%" PRId64 " AS JSON)", s.i);
        return true;
    case JSON_IS_UINT:
        buf_printf(e->out, "CAST(CAST(%" PRIu64 " AS UNSIGNED) AS JSON)", s.u);
        return true;
    case JSON_IS_DOUBLE:
        my_double_digits(text, s.d);
        buf_printf(e->out, "CAST(%s AS JSON)", text);
        return true;
    default:
        return opaque(e, &s);
    }
}

/* The document is known to be valid, so what is walked more than once here is bounded by its depth. */
static bool add(struct expression *e, const struct json_value *value)
{
    struct json_budget budget = e->whole;
    struct json_container c;
    struct json_value element;
    const char *key;
    size_t len;
    if (text_keeps(value, &budget)) {
        budget = e->whole;
        return add_text(e->out, value, &budget);
    }
    if (!json_is_container(value->type))
        return typed_scalar(e, value);
    if (!json_open(value, &c))
        return false;
    buf_str(e->out, c.object ? "JSON_OBJECT(" : "JSON_ARRAY(");
    for (size_t i = 0; i < c.count; i++) {
        budget = e->whole;
        if (i)
            buf_str(e->out, ", ");
        if (c.object) {
            if (!json_key(&c, i, &key, &len, &budget))
                return false;
            utf8_literal(e->out, key, len);
            buf_str(e->out, ", ");
        }
        if (!json_element(&c, i, &element, &budget) || !add(e, &element))
            return false;
    }
    buf_char(e->out, ')');
    return true;
}

/* Selects what was appended since `start` from the columns it names. */
static void select_from(struct expression *e, size_t start)
{
    static const char select[] = "(SELECT ";
    size_t before = sizeof(select) - 1, len = e->out->len - start;
    buf_reserve(e->out, before);
    memmove(e->out->data + start + before, e->out->data + start, len);
    memcpy(e->out->data + start, select, before);
    e->out->len += before;
    buf_str(e->out, " FROM JSON_TABLE(JSON_ARRAY(");
    buf_bytes(e->out, e->values.data, e->values.len);
    buf_str(e->out, "), '$' COLUMNS (");
    buf_bytes(e->out, e->columns.data, e->columns.len);
    buf_str(e->out, ")) t)");
}

bool my_json_expression(struct buf *out, const void *data, size_t len, const char **problem)
{
    struct json_value root;
    struct json_budget budget;
    struct expression e = {.out = out, .whole = {.values = len + 1, .bytes = len + 1}};
    size_t start = out->len;
    bool ok = my_json_valid(data, len) && json_root(data, len, &root, &budget) && add(&e, &root);
    if (ok && e.ncolumns)
        select_from(&e, start);
    buf_fini(&e.values);
    buf_fini(&e.columns);
    *problem = ok ? NULL : e.problem ? e.problem : "its binary JSON is damaged";
    return ok;
}
