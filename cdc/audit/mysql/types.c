#include "cdc/audit/mysql/types.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "cdc/audit/json.h"
#include "cdc/mysql/json.h"

#define NUMBER_DIGITS 20 /* of the largest 64-bit number */

static bool unsigned_number(const char *text, size_t len, uint64_t *out)
{
    char copy[NUMBER_DIGITS + 1];
    if (len == 0 || len > NUMBER_DIGITS || text[0] < '0' || text[0] > '9')
        return false;
    memcpy(copy, text, len);
    copy[len] = 0;
    char *end;
    errno = 0;
    *out = strtoull(copy, &end, 10);
    return errno == 0 && !*end;
}

/* --- values of this family alone
 * ------------------------------------------------------------------------------------- */

/* 64 bits that Connect has only with a sign: Debezium's bigint.unsigned.handling.mode `long`. */
static bool write_unsigned(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    uint64_t n;
    if (!unsigned_number(text, len, &n))
        return false;
    buf_printf(out, "%" PRId64, (int64_t)n);
    return true;
}

static bool write_year(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    uint64_t n;
    if (!unsigned_number(text, len, &n) || n > 9999)
        return false;
    buf_printf(out, "%" PRIu64, n);
    return true;
}

/* The number: its bytes, the lowest first. */
static bool write_bits(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    uint64_t n;
    if (!unsigned_number(text, len, &n))
        return false;
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(n >> 8 * i);
    audit_base64(out, bytes, ((size_t)type->scale + 7) / 8);
    return true;
}

static bool write_enum(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    uint64_t n;
    if (!unsigned_number(text, len, &n) || n > type->nmembers)
        return false;
    audit_json_string(out, n ? type->members[n - 1] : ""); /* 0: what did not fit in a lax sql_mode */
    return true;
}

static bool write_set(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    uint64_t n;
    if (!unsigned_number(text, len, &n) || (type->nmembers < 64 && n >> type->nmembers))
        return false;
    struct buf names = {0};
    for (size_t i = 0; i < type->nmembers && i < 64; i++)
        if (n >> i & 1)
            buf_printf(&names, "%s%s", names.len ? "," : "", type->members[i]);
    audit_json_string(out, buf_cstr(&names));
    buf_fini(&names);
    return true;
}

/* The log has MySQL's binary form, whose first byte is at most 0x0f; who reads the table gets the text that is made of
 * it. */
static bool write_json(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    if (len > 0 && (unsigned char)text[0] >= ' ') {
        audit_json_text(out, text, len);
        return true;
    }
    struct buf shown = {0};
    bool good = my_json_text(&shown, text, len);
    if (good)
        audit_json_text(out, buf_cstr(&shown), shown.len);
    buf_fini(&shown);
    return good;
}

/* Text in another character set. A byte that stands for nothing becomes U+FFFD, as where the server shows it. */
static bool write_converted(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    iconv_t converter = type->converter;
    struct buf utf8 = {0};
    char *in = (char *)(uintptr_t)text;
    iconv(converter, NULL, NULL, NULL, NULL);
    while (len > 0) {
        buf_reserve(&utf8, len * 2 + 16);
        char *to = utf8.data + utf8.len;
        size_t room = utf8.cap - utf8.len - 1, before = room;
        size_t done = iconv(converter, &in, &len, &to, &room);
        utf8.len += before - room;
        if (done != (size_t)-1 || errno == E2BIG)
            continue;
        buf_str(&utf8, "\xef\xbf\xbd");
        in++;
        len--;
        iconv(converter, NULL, NULL, NULL, NULL);
    }
    audit_json_text(out, buf_cstr(&utf8), utf8.len);
    buf_fini(&utf8);
    return true;
}

/* SRID, and well-known binary behind it. */
static bool write_geometry(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    struct reader r = reader_of(text, len);
    uint32_t srid = read_u32_le(&r);
    if (!reader_ok(&r))
        return false;
    buf_str(out, "{\"wkb\":");
    audit_base64(out, text + 4, len - 4);
    buf_printf(out, ",\"srid\":%" PRId32 "}", (int32_t)srid);
    return true;
}

static bool write_vector(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    (void)type;
    struct reader r = reader_of(text, len);
    if (len % 4)
        return false;
    buf_char(out, '[');
    for (size_t i = 0; i < len / 4; i++) {
        uint32_t bits = read_u32_le(&r);
        float f;
        memcpy(&f, &bits, sizeof(f));
        if (!(f - f == 0)) /* NaN and the infinities: no vector of the server's */
            return false;
        buf_printf(out, "%s%.9g", i ? "," : "", (double)f);
    }
    buf_char(out, ']');
    return true;
}

/* A day that does not exist, such as 0000-00-00 or 2020-02-00. */
static bool is_zero_date(const char *text, size_t len)
{
    return len >= 10 &&
           (memcmp(text, "0000", 4) == 0 || memcmp(text + 5, "00", 2) == 0 || memcmp(text + 8, "00", 2) == 0);
}

/* Debezium has NULL for it, or, where there is none, the epoch: type->zero. */
static bool or_zero(struct buf *out, const struct audit_type *type, const char *text, size_t len, audit_write *write)
{
    if (!is_zero_date(text, len))
        return write(out, type, text, len);
    buf_str(out, type->zero);
    return true;
}

static bool write_date(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    return or_zero(out, type, text, len, audit_date);
}

static bool write_datetime_ms(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    return or_zero(out, type, text, len, audit_timestamp_ms);
}

static bool write_datetime_us(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    return or_zero(out, type, text, len, audit_timestamp_us);
}

static bool write_timestamp(struct buf *out, const struct audit_type *type, const char *text, size_t len)
{
    return or_zero(out, type, text, len, audit_zoned_timestamp);
}

/* --- types
 * ---------------------------------------------------------------------------------------------------------------- */

/* What iconv calls the servers' character sets; NULL: it is UTF-8, or a part of it. */
static const struct {
    const char *charset, *iconv;
} charsets[] = {
    {"utf8mb4", NULL},
    {"utf8mb3", NULL},
    {"utf8", NULL},
    {"ascii", NULL},
    {"latin1", "CP1252"},
    {"latin2", "ISO-8859-2"},
    {"latin5", "ISO-8859-9"},
    {"latin7", "ISO-8859-13"},
    {"greek", "ISO-8859-7"},
    {"hebrew", "ISO-8859-8"},
    {"cp1250", "CP1250"},
    {"cp1251", "CP1251"},
    {"cp1256", "CP1256"},
    {"cp1257", "CP1257"},
    {"cp850", "CP850"},
    {"cp852", "CP852"},
    {"cp866", "CP866"},
    {"koi8r", "KOI8-R"},
    {"koi8u", "KOI8-U"},
    {"tis620", "TIS-620"},
    {"macroman", "MACINTOSH"},
    {"macce", "MAC-CENTRALEUROPE"},
    {"armscii8", "ARMSCII-8"},
    {"big5", "BIG5"},
    {"gb2312", "EUC-CN"},
    {"gbk", "GBK"},
    {"gb18030", "GB18030"},
    {"euckr", "UHC"},
    {"sjis", "SHIFT_JIS"},
    {"cp932", "CP932"},
    {"ujis", "EUC-JP"},
    {"eucjpms", "EUC-JP-MS"},
    {"ucs2", "UTF-16BE"},
    {"utf16", "UTF-16BE"},
    {"utf16le", "UTF-16LE"},
    {"utf32", "UTF-32BE"},
};

static enum sc_result text_type(const char *charset, struct audit_type *out, struct sc_error *err)
{
    *out = (struct audit_type){.write = audit_string, .head = "\"type\":\"string\"", .tail = ""};
    for (size_t i = 0; charset && i < sizeof(charsets) / sizeof(charsets[0]); i++) {
        if (strcmp(charsets[i].charset, charset) != 0)
            continue;
        if (!charsets[i].iconv)
            return SC_OK;
        iconv_t converter = iconv_open("UTF-8", charsets[i].iconv);
        if (converter == (iconv_t)-1)
            break;
        out->write = write_converted;
        out->converter = converter;
        return SC_OK;
    }
    if (!charset)
        return SC_OK;
    return error_set(err, SC_REFUSE, "text in the character set %s cannot be converted to UTF-8 here", charset);
}

bool my_audit_text(const char *charset, const char *bytes, size_t len, struct arena *arena, const char **out)
{
    struct audit_type type;
    struct sc_error ignored;
    if (!charset || text_type(charset, &type, &ignored) != SC_OK)
        return false;
    iconv_t converter = type.converter;
    char *text = arena_alloc(arena, 4 * len + 1), *to = text, *in = (char *)(uintptr_t)bytes;
    size_t left = len, room = 4 * len;
    bool good = true;
    if (converter) {
        good = iconv(converter, &in, &left, &to, &room) == 0 && left == 0;
        iconv_close(converter);
    } else if (len > 0) {
        memcpy(text, bytes, len);
        to += len;
    }
    *out = text;
    return good && !memchr(text, 0, (size_t)(to - text));
}

static const char bytes_head[] = "\"type\":\"bytes\"", string_head[] = "\"type\":\"string\"",
                  int32_head[] = "\"type\":\"int32\"", int64_head[] = "\"type\":\"int64\"";
#define GEOMETRY                                                                                                       \
    {                                                                                                                  \
        .write = write_geometry,                                                                                       \
        .head = "\"type\":\"struct\",\"fields\":[{\"type\":\"bytes\",\"optional\":false,\"field\":\"wkb\"},"           \
                "{\"type\":\"int32\",\"optional\":true,\"field\":\"srid\"}]",                                          \
        .tail = ",\"name\":\"io.debezium.data.geometry.Geometry\",\"version\":1"                                       \
    }

static const struct {
    const char *word; /* the type's first */
    struct audit_type is;
    const char *head_unsigned;
} plain_types[] = {
    {"tinyint", {.write = audit_verbatim, .head = "\"type\":\"int16\"", .tail = ""}, "\"type\":\"int16\""},
    {"smallint", {.write = audit_verbatim, .head = "\"type\":\"int16\"", .tail = ""}, int32_head},
    {"mediumint", {.write = audit_verbatim, .head = int32_head, .tail = ""}, int32_head},
    {"int", {.write = audit_verbatim, .head = int32_head, .tail = ""}, int64_head},
    {"bigint", {.write = audit_verbatim, .head = int64_head, .tail = ""}, int64_head},
    {"float", {.write = audit_float, .head = "\"type\":\"float\"", .tail = ""}, NULL},
    {"double", {.write = audit_float, .head = "\"type\":\"double\"", .tail = ""}, NULL},
    {"year",
     {.write = write_year, .head = int32_head, .tail = ",\"name\":\"io.debezium.time.Year\",\"version\":1"},
     NULL},
    {"time",
     {.write = audit_time_us, .head = int64_head, .tail = ",\"name\":\"io.debezium.time.MicroTime\",\"version\":1"},
     NULL},
    {"binary", {.write = audit_bytes, .head = bytes_head, .tail = ""}, NULL},
    {"varbinary", {.write = audit_bytes, .head = bytes_head, .tail = ""}, NULL},
    {"tinyblob", {.write = audit_bytes, .head = bytes_head, .tail = ""}, NULL},
    {"blob", {.write = audit_bytes, .head = bytes_head, .tail = ""}, NULL},
    {"mediumblob", {.write = audit_bytes, .head = bytes_head, .tail = ""}, NULL},
    {"longblob", {.write = audit_bytes, .head = bytes_head, .tail = ""}, NULL},
    {"json",
     {.write = write_json, .head = string_head, .tail = ",\"name\":\"io.debezium.data.Json\",\"version\":1"},
     NULL},
    {"vector",
     {.write = write_vector,
      .head = "\"type\":\"array\",\"items\":{\"type\":\"float\",\"optional\":false}",
      .tail = ",\"name\":\"io.debezium.data.FloatVector\",\"version\":1"},
     NULL},
    {"geometry", GEOMETRY, NULL},
    {"point", GEOMETRY, NULL},
    {"linestring", GEOMETRY, NULL},
    {"polygon", GEOMETRY, NULL},
    {"multipoint", GEOMETRY, NULL},
    {"multilinestring", GEOMETRY, NULL},
    {"multipolygon", GEOMETRY, NULL},
    {"geomcollection", GEOMETRY, NULL},
    {"geometrycollection", GEOMETRY, NULL},
};

static void decimal(const char *numbers, enum audit_decimals decimals, struct arena *arena, struct audit_type *out)
{
    int precision = 10, scale = 0;
    sscanf(numbers, "(%d,%d", &precision, &scale);
    if (decimals == AUDIT_DECIMALS_STRING) {
        *out = (struct audit_type){.write = audit_string, .head = string_head, .tail = ""};
    } else if (decimals == AUDIT_DECIMALS_DOUBLE) {
        *out = (struct audit_type){.write = audit_float, .head = "\"type\":\"double\"", .tail = ""};
    } else {
        *out = (struct audit_type){.write = audit_decimal, .head = bytes_head, .scale = scale};
        out->tail = arena_printf(arena,
                                 ",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{"
                                 "\"scale\":\"%d\",\"connect.decimal.precision\":\"%d\"}",
                                 scale, precision);
    }
}

static void bits(const char *numbers, struct arena *arena, struct audit_type *out)
{
    int length = 1;
    sscanf(numbers, "(%d", &length);
    if (length == 1) {
        *out = (struct audit_type){.write = audit_boolean, .head = "\"type\":\"boolean\"", .tail = ""};
        return;
    }
    *out = (struct audit_type){.write = write_bits, .head = bytes_head, .scale = length};
    out->tail = arena_printf(
        arena, ",\"name\":\"io.debezium.data.Bits\",\"version\":1,\"parameters\":{\"length\":\"%d\"}", length);
}

/* DATE, DATETIME, TIMESTAMP: what can be a day that does not exist. */
static void day(const char *word, const char *numbers, bool optional, struct audit_type *out)
{
    int digits = 0;
    sscanf(numbers, "(%d", &digits);
    if (strcmp(word, "date") == 0)
        *out = (struct audit_type){
            .write = write_date, .head = int32_head, .tail = ",\"name\":\"io.debezium.time.Date\",\"version\":1"};
    else if (strcmp(word, "timestamp") == 0)
        *out = (struct audit_type){.write = write_timestamp,
                                   .head = string_head,
                                   .tail = ",\"name\":\"io.debezium.time.ZonedTimestamp\",\"version\":1",
                                   .scale = digits};
    else if (digits <= 3)
        *out = (struct audit_type){.write = write_datetime_ms,
                                   .head = int64_head,
                                   .tail = ",\"name\":\"io.debezium.time.Timestamp\",\"version\":1"};
    else
        *out = (struct audit_type){.write = write_datetime_us,
                                   .head = int64_head,
                                   .tail = ",\"name\":\"io.debezium.time.MicroTimestamp\",\"version\":1"};
    out->zero = optional ? "null" : out->head == string_head ? "\"1970-01-01T00:00:00Z\"" : "0";
}

static void names(const struct my_audit_type *from, bool set, struct arena *arena, struct audit_type *out)
{
    struct buf tail = {0}, allowed = {0};
    for (size_t i = 0; i < from->nmembers; i++)
        buf_printf(&allowed, "%s%s", i ? "," : "", from->members[i]);
    buf_printf(&tail,
               ",\"name\":\"io.debezium.data.Enum%s\",\"version\":1,\"parameters\":{\"allowed\":", set ? "Set" : "");
    audit_json_string(&tail, buf_cstr(&allowed));
    buf_char(&tail, '}');
    *out = (struct audit_type){.write = set ? write_set : write_enum,
                               .head = string_head,
                               .members = from->members,
                               .nmembers = from->nmembers};
    out->tail = arena_strdup(arena, buf_cstr(&tail));
    buf_fini(&tail);
    buf_fini(&allowed);
}

enum sc_result my_audit_type(const struct my_audit_type *from, enum audit_decimals decimals, struct arena *arena,
                             struct audit_type *out, struct sc_error *err)
{
    char word[32] = "";
    size_t len = strspn(from->type, "abcdefghijklmnopqrstuvwxyz0123456789");
    snprintf(word, sizeof(word), "%.*s", (int)len, from->type);
    const char *numbers = from->type + len;
    bool is_unsigned = strstr(numbers, "unsigned") != NULL; /* asked of numbers alone */
    for (size_t i = 0; i < sizeof(plain_types) / sizeof(plain_types[0]); i++) {
        if (strcmp(plain_types[i].word, word) != 0)
            continue;
        *out = plain_types[i].is;
        if (is_unsigned && plain_types[i].head_unsigned)
            out->head = plain_types[i].head_unsigned;
        if (is_unsigned && strcmp(word, "bigint") == 0)
            out->write = write_unsigned;
        return SC_OK;
    }
    if (strcmp(word, "decimal") == 0)
        decimal(numbers, decimals, arena, out);
    else if (strcmp(word, "bit") == 0)
        bits(numbers, arena, out);
    else if (strcmp(word, "date") == 0 || strcmp(word, "datetime") == 0 || strcmp(word, "timestamp") == 0)
        day(word, numbers, from->optional, out);
    else if (strcmp(word, "enum") == 0 || strcmp(word, "set") == 0)
        names(from, *word == 's', arena, out);
    else
        return text_type(from->charset, out, err); /* CHAR, VARCHAR, TEXT, UUID, INET ... */
    return SC_OK;
}
