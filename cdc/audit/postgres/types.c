#include "cdc/audit/postgres/types.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cdc/audit/json.h"

enum {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_INT8 = 20,
    PG_INT2 = 21,
    PG_INT4 = 23,
    PG_OID = 26,
    PG_JSON = 114,
    PG_XML = 142,
    PG_FLOAT4 = 700,
    PG_FLOAT8 = 701,
    PG_DATE = 1082,
    PG_TIME = 1083,
    PG_TIMESTAMP = 1114,
    PG_TIMESTAMPTZ = 1184,
    PG_INTERVAL = 1186,
    PG_TIMETZ = 1266,
    PG_BIT = 1560,
    PG_VARBIT = 1562,
    PG_NUMERIC = 1700,
    PG_UUID = 2950,
    PG_TSVECTOR = 3614,
    PG_JSONB = 3802,
};

/* --- values of this family alone
 * ------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \x and two digits a byte */
static bool write_bytea(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    if (len < 2 || len % 2 || text[0] != '\\' || text[1] != 'x')
        return false;
    struct buf bytes = {0};
    buf_reserve(&bytes, len / 2);
    bool good = true;
    for (size_t i = 2; i < len && good; i += 2) {
        int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
        good = high >= 0 && low >= 0;
        buf_u8(&bytes, (uint8_t)(high * 16 + low));
    }
    if (good)
        audit_base64(out, buf_cstr(&bytes), bytes.len);
    buf_fini(&bytes);
    return good;
}

/* 0 and 1, the highest first: bytes, the lowest first */
static bool write_bits(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    size_t nbytes = (len + 7) / 8;
    unsigned char *bytes = mem_alloc(nbytes + 1);
    bool good = true;
    for (size_t i = 0; i < len && good; i++) {
        size_t bit = len - 1 - i;
        good = text[i] == '0' || text[i] == '1';
        if (text[i] == '1')
            bytes[bit / 8] |= (unsigned char)(1u << bit % 8);
    }
    if (good)
        audit_base64(out, bytes, nbytes);
    mem_free(bytes);
    return good;
}

/* What a number in an interval counts, in seconds. Months are Debezium's: 365.25 / 12 days. */
static const struct {
    const char *unit;
    int64_t seconds;
} interval_units[] = {
    {"year", 12 * 2629800}, {"years", 12 * 2629800}, {"mon", 2629800},
    {"mons", 2629800},      {"day", 86400},          {"days", 86400},
};

/* "1 year 2 mons -3 days +04:05:06.789": IntervalStyle postgres */
static bool write_interval(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    if (len >= 200)
        return false;
    char copy[200];
    memcpy(copy, text, len);
    copy[len] = 0;
    __int128 us = 0;
    const char *p = copy;
    while (*p) {
        char sign[2] = "", word[8] = "";
        long long n = 0;
        int used = 0;
        if (sscanf(p, "%1[+-]%n", sign, &used) == 1)
            p += used;
        if (*p < '0' || *p > '9' || sscanf(p, "%19lld%n", &n, &used) != 1)
            return false;
        p += used;
        int64_t direction = sign[0] == '-' ? -1 : 1;
        if (*p == ':') {
            int minutes = 0, seconds = 0, at = 0;
            char digits[8] = "";
            if (sscanf(p, ":%2d:%2d%n", &minutes, &seconds, &at) != 2)
                return false;
            p += at;
            __int128 time = ((__int128)n * 3600 + minutes * 60 + seconds) * 1000000;
            if (*p == '.') {
                if (sscanf(p, ".%6[0-9]%n", digits, &at) != 1)
                    return false;
                p += at;
                int64_t unit = 100000;
                for (const char *d = digits; *d; d++, unit /= 10)
                    time += (*d - '0') * unit;
            }
            us += direction * time;
        } else {
            size_t unit = 0, units = sizeof(interval_units) / sizeof(interval_units[0]);
            if (sscanf(p, " %7[a-z]%n", word, &used) != 1)
                return false;
            p += used;
            while (unit < units && strcmp(interval_units[unit].unit, word) != 0)
                unit++;
            if (unit == units)
                return false;
            us += (__int128)direction * n * interval_units[unit].seconds * 1000000;
        }
        if (*p == ' ')
            p++;
        else if (*p)
            return false;
    }
    if (us > INT64_MAX || us < INT64_MIN)
        return false;
    buf_printf(out, "%" PRId64, (int64_t)us);
    return true;
}

/* {a,"b, c",NULL}: the elements as their own type writes them. Arrays of arrays have no form in Connect: the schema
 * says what an element is. A lower bound ("[2:3]={...}") is left out. */
static bool write_array(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    const char *p = text, *end = text + len;
    if (len > 0 && *p == '[') {
        p = memchr(p, '=', len);
        if (!p)
            return false;
        p++;
    }
    if (end - p < 2 || *p != '{' || end[-1] != '}')
        return false;
    p++;
    end--;
    buf_char(out, '[');
    struct buf element = {0};
    bool good = true;
    for (bool first = true; good && p < end; first = false) {
        buf_clear(&element);
        bool quoted = *p == '"';
        p += quoted;
        while (p < end && (quoted ? *p != '"' : *p != ',')) {
            if (*p == '\\')
                p++;
            else if (!quoted && *p == '{')
                good = false;
            if (p < end)
                buf_char(&element, *p++);
        }
        if (quoted && (p >= end || *p++ != '"'))
            good = false;
        buf_str(out, first ? "" : ",");
        if (good && !quoted && strcmp(buf_cstr(&element), "NULL") == 0)
            buf_str(out, "null");
        else
            good = good && type->items->write(out, type->items, buf_cstr(&element), element.len);
        if (good && p < end) {
            good = *p == ',' && p + 1 < end;
            p++;
        }
    }
    buf_fini(&element);
    buf_char(out, ']');
    return good;
}

/* --- types
 * ---------------------------------------------------------------------------------------------------------------- */

static const struct {
    uint32_t type;
    struct audit_type is;
} plain_types[] = {
    {PG_BOOL, {.write = audit_boolean, .head = "\"type\":\"boolean\"", .tail = ""}},
    {PG_INT2, {.write = audit_verbatim, .head = "\"type\":\"int16\"", .tail = ""}},
    {PG_INT4, {.write = audit_verbatim, .head = "\"type\":\"int32\"", .tail = ""}},
    {PG_INT8, {.write = audit_verbatim, .head = "\"type\":\"int64\"", .tail = ""}},
    {PG_OID, {.write = audit_verbatim, .head = "\"type\":\"int64\"", .tail = ""}},
    {PG_FLOAT4, {.write = audit_float, .head = "\"type\":\"float\"", .tail = ""}},
    {PG_FLOAT8, {.write = audit_float, .head = "\"type\":\"double\"", .tail = ""}},
    {PG_BYTEA, {.write = write_bytea, .head = "\"type\":\"bytes\"", .tail = ""}},
    {PG_JSON,
     {.write = audit_string,
      .head = "\"type\":\"string\"",
      .tail = ",\"name\":\"io.debezium.data.Json\",\"version\":1"}},
    {PG_JSONB,
     {.write = audit_string,
      .head = "\"type\":\"string\"",
      .tail = ",\"name\":\"io.debezium.data.Json\",\"version\":1"}},
    {PG_XML,
     {.write = audit_string,
      .head = "\"type\":\"string\"",
      .tail = ",\"name\":\"io.debezium.data.Xml\",\"version\":1"}},
    {PG_UUID,
     {.write = audit_string,
      .head = "\"type\":\"string\"",
      .tail = ",\"name\":\"io.debezium.data.Uuid\",\"version\":1"}},
    {PG_TSVECTOR,
     {.write = audit_string,
      .head = "\"type\":\"string\"",
      .tail = ",\"name\":\"io.debezium.data.Tsvector\",\"version\":1"}},
    {PG_DATE,
     {.write = audit_date, .head = "\"type\":\"int32\"", .tail = ",\"name\":\"io.debezium.time.Date\",\"version\":1"}},
    {PG_INTERVAL,
     {.write = write_interval,
      .head = "\"type\":\"int64\"",
      .tail = ",\"name\":\"io.debezium.time.MicroDuration\",\"version\":1"}},
};

static const struct audit_type text_type = {.write = audit_string, .head = "\"type\":\"string\"", .tail = ""};

static void numeric(int32_t modifier, enum audit_decimals decimals, struct arena *arena, struct audit_type *out)
{
    if (decimals == AUDIT_DECIMALS_STRING) {
        *out = text_type;
    } else if (decimals == AUDIT_DECIMALS_DOUBLE) {
        *out = (struct audit_type){.write = audit_float, .head = "\"type\":\"double\"", .tail = ""};
    } else if (modifier < 4) {
        *out = (struct audit_type){.write = audit_any_decimal,
                                   .head = "\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":false,"
                                           "\"field\":\"scale\"},{\"type\":\"bytes\",\"optional\":false,\"field\":"
                                           "\"value\"}]",
                                   .tail = ",\"name\":\"io.debezium.data.VariableScaleDecimal\",\"version\":1"};
    } else {
        int precision = (modifier - 4) >> 16 & 0xffff, scale = (((modifier - 4) & 0x7ff) ^ 1024) - 1024;
        *out = (struct audit_type){.write = audit_decimal, .head = "\"type\":\"bytes\"", .scale = scale};
        out->tail = arena_printf(arena,
                                 ",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{"
                                 "\"scale\":\"%d\",\"connect.decimal.precision\":\"%d\"}",
                                 scale, precision);
    }
}

/* Up to three digits are milliseconds in 32 bits (a time) or 64, more are microseconds. */
static void point_in_time(uint32_t type, int32_t modifier, struct audit_type *out)
{
    bool fine = modifier < 0 || modifier > 3;
    if (type == PG_TIME && fine)
        *out = (struct audit_type){.write = audit_time_us,
                                   .head = "\"type\":\"int64\"",
                                   .tail = ",\"name\":\"io.debezium.time.MicroTime\",\"version\":1"};
    else if (type == PG_TIME)
        *out = (struct audit_type){.write = audit_time_ms,
                                   .head = "\"type\":\"int32\"",
                                   .tail = ",\"name\":\"io.debezium.time.Time\",\"version\":1"};
    else if (type == PG_TIMESTAMP && fine)
        *out = (struct audit_type){.write = audit_timestamp_us,
                                   .head = "\"type\":\"int64\"",
                                   .tail = ",\"name\":\"io.debezium.time.MicroTimestamp\",\"version\":1"};
    else if (type == PG_TIMESTAMP)
        *out = (struct audit_type){.write = audit_timestamp_ms,
                                   .head = "\"type\":\"int64\"",
                                   .tail = ",\"name\":\"io.debezium.time.Timestamp\",\"version\":1"};
    else
        *out = (struct audit_type){.write = type == PG_TIMETZ ? audit_zoned_time : audit_zoned_timestamp,
                                   .head = "\"type\":\"string\"",
                                   .tail = type == PG_TIMETZ
                                               ? ",\"name\":\"io.debezium.time.ZonedTime\",\"version\":1"
                                               : ",\"name\":\"io.debezium.time.ZonedTimestamp\",\"version\":1",
                                   .scale = modifier < 0 ? 6 : modifier};
}

static void enumeration(const struct pg_audit_type *from, struct arena *arena, struct audit_type *out)
{
    struct buf tail = {0}, allowed = {0};
    for (size_t i = 0; i < from->nmembers; i++)
        buf_printf(&allowed, "%s%s", i ? "," : "", from->members[i]);
    buf_str(&tail, ",\"name\":\"io.debezium.data.Enum\",\"version\":1,\"parameters\":{\"allowed\":");
    audit_json_string(&tail, buf_cstr(&allowed));
    buf_char(&tail, '}');
    *out = (struct audit_type){.write = audit_string, .head = "\"type\":\"string\"", .tail = ""};
    out->tail = arena_strdup(arena, buf_cstr(&tail));
    buf_fini(&tail);
    buf_fini(&allowed);
}

static void scalar(const struct pg_audit_type *from, enum audit_decimals decimals, struct arena *arena,
                   struct audit_type *out)
{
    *out = text_type;
    for (size_t i = 0; i < sizeof(plain_types) / sizeof(plain_types[0]); i++)
        if (plain_types[i].type == from->type)
            *out = plain_types[i].is;
    switch (from->type) {
    case PG_NUMERIC:
        numeric(from->modifier, decimals, arena, out);
        break;
    case PG_TIME:
    case PG_TIMESTAMP:
    case PG_TIMESTAMPTZ:
    case PG_TIMETZ:
        point_in_time(from->type, from->modifier, out);
        break;
    case PG_BIT:
    case PG_VARBIT:
        if (from->type == PG_BIT && from->modifier == 1) {
            *out = (struct audit_type){.write = audit_boolean, .head = "\"type\":\"boolean\"", .tail = ""};
            break;
        }
        *out = (struct audit_type){.write = write_bits, .head = "\"type\":\"bytes\""};
        out->tail = arena_printf(
            arena, ",\"name\":\"io.debezium.data.Bits\",\"version\":1,\"parameters\":{\"length\":\"%" PRId32 "\"}",
            from->modifier < 0 ? INT32_MAX : from->modifier);
        break;
    default:
        if (from->is_enum)
            enumeration(from, arena, out);
    }
}

void pg_audit_type(const struct pg_audit_type *from, enum audit_decimals decimals, struct arena *arena,
                   struct audit_type *out)
{
    if (!from->element) {
        scalar(from, decimals, arena, out);
        return;
    }
    struct pg_audit_type element = *from;
    element.type = from->element;
    element.element = 0;
    element.is_enum = from->element_is_enum;
    struct audit_type *items = arena_alloc(arena, sizeof(*items));
    scalar(&element, decimals, arena, items);
    *out = (struct audit_type){.write = write_array, .items = items, .tail = ""};
    out->head = arena_printf(arena, "\"type\":\"array\",\"items\":{%s,\"optional\":true%s}", items->head, items->tail);
}
