#include "applier/mysql/literal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/plant.h"
#include "cdc/mysql/json.h"

/* Names of more members than this are not compared with each other: numbers are used then. */
enum { MAX_NAMED_MEMBERS = 1000, MAX_SET_MEMBERS = 64 };

/* What the text of a chunk's bound may be made of. */
#define TEXT_OF_QUOTED "0123456789abcdefABCDEF:.- "

/* --- once for a column --- */

struct type_kind {
    const char *data_type;
    enum my_literal_kind kind;
};

static const struct type_kind type_kinds[] = {
    {"tinyint", MY_LITERAL_NUMBER},
    {"smallint", MY_LITERAL_NUMBER},
    {"mediumint", MY_LITERAL_NUMBER},
    {"int", MY_LITERAL_NUMBER},
    {"bigint", MY_LITERAL_NUMBER},
    {"decimal", MY_LITERAL_NUMBER},
    {"year", MY_LITERAL_NUMBER},
    {"bit", MY_LITERAL_NUMBER},
    {"float", MY_LITERAL_FLOAT},
    {"double", MY_LITERAL_DOUBLE},
    {"date", MY_LITERAL_QUOTED},
    {"time", MY_LITERAL_QUOTED},
    {"datetime", MY_LITERAL_QUOTED},
    {"timestamp", MY_LITERAL_QUOTED},
    {"uuid", MY_LITERAL_QUOTED},
    {"inet4", MY_LITERAL_QUOTED},
    {"inet6", MY_LITERAL_QUOTED},
    {"char", MY_LITERAL_TEXT},
    {"varchar", MY_LITERAL_TEXT},
    {"tinytext", MY_LITERAL_TEXT},
    {"text", MY_LITERAL_TEXT},
    {"mediumtext", MY_LITERAL_TEXT},
    {"longtext", MY_LITERAL_TEXT},
    {"binary", MY_LITERAL_BINARY},
    {"varbinary", MY_LITERAL_BINARY},
    {"tinyblob", MY_LITERAL_BINARY},
    {"blob", MY_LITERAL_BINARY},
    {"mediumblob", MY_LITERAL_BINARY},
    {"longblob", MY_LITERAL_BINARY},
    {"vector", MY_LITERAL_BINARY},
    {"enum", MY_LITERAL_ENUM},
    {"set", MY_LITERAL_SET},
    {"json", MY_LITERAL_JSON},
    {"geometry", MY_LITERAL_GEOMETRY},
    {"point", MY_LITERAL_GEOMETRY},
    {"linestring", MY_LITERAL_GEOMETRY},
    {"polygon", MY_LITERAL_GEOMETRY},
    {"multipoint", MY_LITERAL_GEOMETRY},
    {"multilinestring", MY_LITERAL_GEOMETRY},
    {"multipolygon", MY_LITERAL_GEOMETRY},
    {"geometrycollection", MY_LITERAL_GEOMETRY},
    {"geomcollection", MY_LITERAL_GEOMETRY},
};

static bool equal_ascii_fold(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a | 0x20) : *a, y = *b >= 'A' && *b <= 'Z' ? (char)(*b | 0x20) : *b;
        if (x != y)
            return false;
    }
    return *a == *b;
}

static bool is_ascii(const char *s)
{
    for (; *s; s++)
        if (*s & 0x80)
            return false;
    return true;
}

/* The server looks a name up under the column's collation, and takes the first of those that are equal there. Tables
 * made under a lax sql_mode may have such. Names that are ASCII and differ in more than case are safe in every
 * collation; all others are left to their numbers. */
static bool names_tell_apart(const struct my_column *column, bool is_set)
{
    if (!column->members || column->nmembers > MAX_NAMED_MEMBERS || !column->charset || PLANTED(B6_ENUM_BY_NUMBER) ||
        strcmp(column->charset, "binary") == 0)
        return false;
    for (int i = 0; i < column->nmembers; i++) {
        if (!is_ascii(column->members[i]) || (is_set && !column->members[i][0]))
            return false;
        for (int k = 0; k < i; k++)
            if (equal_ascii_fold(column->members[i], column->members[k]))
                return false;
    }
    return true;
}

/* Could a collation take the member for so many zeros? */
static bool like_zeros(const char *member, size_t zeros)
{
    size_t chars = 0;
    for (; *member; member++) {
        if (!(*member & 0x80) && *member != '0')
            return false;
        chars += (*member & 0xc0) != 0x80;
    }
    return chars == zeros;
}

/* Index 0, what a lax session leaves when it is given an unknown name, is refused as the number 0 in strict mode, but a
 * text that is no name and is the number of a member, or 0, is taken (MySQL source, Field_enum::store()). */
static const char *text_of_nothing(const struct my_column *column)
{
    static const char *const candidates[] = {"0", "00", "000", "0000", "00000"};
    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
        bool taken = false;
        for (int k = 0; k < column->nmembers && !taken; k++)
            taken = like_zeros(column->members[k], i + 1);
        if (!taken)
            return candidates[i];
    }
    return NULL;
}

/* MySQL warns of utf8mb3 and ucs2; utf8mb4 and utf16 have the same bytes for the same characters. */
static const char *charset_written(enum my_family family, const char *charset)
{
    if (strcmp(charset, "utf8") == 0 || strcmp(charset, "utf8mb3") == 0)
        return family == MY_MYSQL ? "utf8mb4" : "utf8mb3";
    return family == MY_MYSQL && strcmp(charset, "ucs2") == 0 ? "utf16" : charset;
}

static void introduce(struct my_literal *l, const char *charset)
{
    int n = snprintf(l->introducer, sizeof(l->introducer), "_%s", charset);
    l->introducer_len = n < 0 ? 0 : (size_t)n;
    l->ascii =
        strncmp(charset, "ucs2", 4) != 0 && strncmp(charset, "utf16", 5) != 0 && strncmp(charset, "utf32", 5) != 0;
}

enum sc_result my_literal_init(struct my_literal *out, enum my_family family, const struct my_column *column,
                               struct sc_error *err)
{
    const struct type_kind *found = NULL;
    *out = (struct my_literal){.family = family, .column = column};
    for (size_t i = 0; i < sizeof(type_kinds) / sizeof(type_kinds[0]) && !found; i++)
        if (strcmp(type_kinds[i].data_type, column->data_type) == 0)
            found = &type_kinds[i];
    if (!found || (found->kind == MY_LITERAL_JSON && family != MY_MYSQL))
        return error_set(err, SC_REFUSE, "column %s has type %s, which this program does not know", column->name,
                         column->type);
    out->kind = found->kind;
    switch (out->kind) {
    case MY_LITERAL_TEXT:
        if (!column->charset || strlen(column->charset) > sizeof(out->introducer) - 2)
            return error_set(err, SC_REFUSE, "column %s of type %s has no character set that can be named",
                             column->name, column->type);
        introduce(out, charset_written(family, column->charset));
        break;
    case MY_LITERAL_BINARY:
    case MY_LITERAL_GEOMETRY:
        introduce(out, "binary");
        break;
    case MY_LITERAL_ENUM:
    case MY_LITERAL_SET:
        if (!column->members || column->nmembers < 1 ||
            (out->kind == MY_LITERAL_SET && column->nmembers > MAX_SET_MEMBERS))
            return error_set(err, SC_REFUSE, "the members of column %s of type %s are not known", column->name,
                             column->data_type);
        introduce(out, "utf8mb4");
        out->by_number = !names_tell_apart(column, out->kind == MY_LITERAL_SET);
        /* MariaDB takes no such text in strict mode. */
        out->nothing = out->kind == MY_LITERAL_ENUM && family == MY_MYSQL ? text_of_nothing(column) : NULL;
        break;
    default:
        break;
    }
    return SC_OK;
}

/* --- bytes --- */

void my_add_hex(struct buf *b, const void *data, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    const uint8_t *in = data;
    if (len > SIZE_MAX / 2)
        len = SIZE_MAX / 2; /* more than there is memory: buf_reserve() ends the process */
    buf_reserve(b, len * 2);
    char *p = b->data + b->len;
    for (size_t i = 0; i < len; i++) {
        *p++ = digits[in[i] >> 4];
        *p++ = digits[in[i] & 15];
    }
    *p = 0;
    b->len += len * 2;
}

/* Printable ASCII that means the same between quotes under every sql_mode. */
static bool plain(const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c < 0x20 || c > 0x7e || c == '\'' || c == '\\')
            return false;
    }
    return true;
}

static void add_quoted(struct buf *b, const char *data, size_t len)
{
    buf_reserve(b, len + 2);
    char *p = b->data + b->len;
    *p++ = '\'';
    if (len)
        memcpy(p, data, len);
    p += len;
    *p++ = '\'';
    *p = 0;
    b->len += len + 2;
}

static void add_string(struct buf *b, const struct my_literal *l, const char *data, size_t len)
{
    buf_bytes(b, l->introducer, l->introducer_len);
    if (l->ascii && plain(data, len)) {
        add_quoted(b, data, len);
        return;
    }
    buf_bytes(b, " X'", 3);
    my_add_hex(b, data, len);
    buf_char(b, '\'');
}

/* --- numbers --- */

/* With an exponent it is a DOUBLE for the server, read to the nearest; without, it would be a DECIMAL or an integer,
 * which know no negative zero. */
static void add_double(struct buf *b, const char *text, size_t len)
{
    buf_bytes(b, text, len);
    if (!memchr(text, 'e', len))
        buf_bytes(b, "e0", 2);
}

/* The double that the column's FLOAT stands for. */
static void add_float_as_double(struct buf *b, const char *text)
{
    char number[40];
    int n = snprintf(number, sizeof(number), "%.17g", (double)(float)strtod(text, NULL));
    add_double(b, number, n < 0 ? 0 : (size_t)n);
}

static bool read_number(const struct value *value, uint64_t *out)
{
    uint64_t v = 0;
    if (value->len == 0 || value->len > 20)
        return false;
    for (uint32_t i = 0; i < value->len; i++) {
        if (value->data[i] < '0' || value->data[i] > '9' || __builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(value->data[i] - '0'), &v))
            return false;
    }
    *out = v;
    return true;
}

static enum sc_result wrong(const struct my_literal *l, struct sc_error *err, const char *what)
{
    error_set(err, SC_FAIL, "a value of column %s (%s) out of the log cannot be written: %s", l->column->name,
              l->column->data_type, what);
    return error_hint(err, "The batch is not applied and the source is untouched. The table's definition may have "
                           "changed while it was migrated: abort and start again.");
}

/* --- ENUM and SET --- */

static enum sc_result add_enum(struct buf *b, const struct my_literal *l, const struct value *value,
                               struct sc_error *err)
{
    uint64_t number;
    if (!read_number(value, &number) || number > (uint64_t)l->column->nmembers)
        return wrong(l, err, "no member has its number");
    if (number == 0) {
        if (!l->nothing)
            return wrong(l, err,
                         "it is the empty error value (index 0), and the names of members leave no text for it");
        add_quoted(b, l->nothing, strlen(l->nothing));
    } else if (l->by_number) {
        buf_bytes(b, value->data, value->len);
    } else {
        const char *name = l->column->members[number - 1];
        add_string(b, l, name, strlen(name));
    }
    return SC_OK;
}

static enum sc_result add_set(struct buf *b, const struct my_literal *l, const struct value *value,
                              struct sc_error *err)
{
    uint64_t bits;
    int n = l->column->nmembers;
    if (!read_number(value, &bits) || (n < 64 && bits >> n))
        return wrong(l, err, "it has members that the column does not have");
    if (l->by_number) {
        buf_bytes(b, value->data, value->len);
        return SC_OK;
    }
    bool quoted = true;
    for (int i = 0; i < n && quoted; i++)
        quoted = !(bits >> i & 1) || plain(l->column->members[i], strlen(l->column->members[i]));
    buf_bytes(b, l->introducer, l->introducer_len);
    buf_str(b, quoted ? "'" : " X'");
    const char *comma = "";
    for (int i = 0; i < n; i++) {
        if (!(bits >> i & 1))
            continue;
        const char *name = l->column->members[i];
        if (quoted) {
            buf_str(b, comma);
            buf_str(b, name);
        } else {
            my_add_hex(b, comma, strlen(comma));
            my_add_hex(b, name, strlen(name));
        }
        comma = ",";
    }
    buf_char(b, '\'');
    return SC_OK;
}

/* --- values --- */

static bool null_or_missing(struct buf *b, const struct my_literal *l, const struct value *value, struct sc_error *err,
                            enum sc_result *rc)
{
    *rc = SC_OK;
    if (value->state == VALUE_PRESENT)
        return false;
    if (value->state == VALUE_NULL)
        buf_bytes(b, "NULL", 4);
    else
        *rc = wrong(l, err, "the log left it out");
    return true;
}

enum sc_result my_add_value(struct buf *b, const struct my_literal *l, const struct value *value, struct sc_error *err)
{
    enum sc_result rc;
    const char *problem;
    if (null_or_missing(b, l, value, err, &rc))
        return rc;
    switch (l->kind) {
    case MY_LITERAL_NUMBER:
        buf_bytes(b, value->data, value->len);
        return SC_OK;
    case MY_LITERAL_FLOAT:
    case MY_LITERAL_DOUBLE:
        add_double(b, value->data, value->len);
        return SC_OK;
    case MY_LITERAL_QUOTED:
        add_quoted(b, value->data, value->len);
        return SC_OK;
    case MY_LITERAL_TEXT:
    case MY_LITERAL_BINARY:
    case MY_LITERAL_GEOMETRY:
        add_string(b, l, value->data, value->len);
        return SC_OK;
    case MY_LITERAL_ENUM:
        return add_enum(b, l, value, err);
    case MY_LITERAL_SET:
        return add_set(b, l, value, err);
    case MY_LITERAL_JSON:
        return my_json_expression(b, value->data, value->len, &problem) ? SC_OK : wrong(l, err, problem);
    }
    return wrong(l, err, "its type is not known");
}

enum sc_result my_add_key_value(struct buf *b, const struct my_literal *l, const struct value *value,
                                struct sc_error *err)
{
    enum sc_result rc;
    if (null_or_missing(b, l, value, err, &rc))
        return rc;
    switch (l->kind) {
    case MY_LITERAL_FLOAT:
        add_float_as_double(b, value->data);
        return SC_OK;
    case MY_LITERAL_ENUM:
    case MY_LITERAL_SET:
        buf_bytes(b, value->data, value->len);
        return SC_OK;
    case MY_LITERAL_JSON:
    case MY_LITERAL_GEOMETRY:
        return wrong(l, err, "values of its type cannot be compared as a key");
    default:
        return my_add_value(b, l, value, err);
    }
}

/* --- bounds of chunks --- */

void my_add_key_select(struct buf *b, const struct my_literal *l, const char *qualifier)
{
    const char *before = "", *behind = "";
    switch (l->kind) {
    case MY_LITERAL_FLOAT:
    case MY_LITERAL_DOUBLE:
        behind = " + 0e0"; /* a FLOAT by itself is printed with six digits */
        break;
    case MY_LITERAL_ENUM:
    case MY_LITERAL_SET:
        before = "CAST(";
        behind = " AS UNSIGNED)";
        break;
    case MY_LITERAL_TEXT:
    case MY_LITERAL_BINARY:
    case MY_LITERAL_GEOMETRY:
        before = "HEX(";
        behind = ")";
        break;
    case MY_LITERAL_NUMBER:
        if (strcmp(l->column->data_type, "bit") == 0) {
            before = "CAST(";
            behind = " AS UNSIGNED)";
        }
        break;
    default:
        break;
    }
    buf_str(b, before);
    if (qualifier) {
        my_add_ident(b, qualifier);
        buf_char(b, '.');
    }
    my_add_ident(b, l->column->name);
    buf_str(b, behind);
}

static enum sc_result damaged(const struct my_literal *l, struct sc_error *err)
{
    error_set(err, SC_FAIL, "the recorded bound of a chunk is not one of key column %s (%s)", l->column->name,
              l->column->data_type);
    return error_hint(err, "The record of the copy is damaged and the source is untouched. Abort and start again.");
}

static bool digits(const char **p)
{
    size_t count = strspn(*p, "0123456789");
    *p += count;
    return count > 0;
}

/* A number as the server writes it: "17", "-1.5", "1.5e-7". Nothing else comes out of a damaged record. */
static bool is_number(const char *text)
{
    const char *p = text + (*text == '-');
    if (!digits(&p) || (*p == '.' && (p++, !digits(&p))))
        return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '+' || *p == '-';
        if (!digits(&p))
            return false;
    }
    return !*p;
}

static enum sc_result add_hex_bound(struct buf *b, const struct my_literal *l, const char *text, struct sc_error *err)
{
    size_t len = strlen(text);
    if (len % 2 || strspn(text, "0123456789abcdefABCDEF") != len)
        return damaged(l, err);
    buf_bytes(b, l->introducer, l->introducer_len);
    buf_bytes(b, " X'", 3);
    buf_bytes(b, text, len);
    buf_char(b, '\'');
    /* Not where another character set stands in (charset_written()): the column's collation prevails by itself then. */
    if (l->kind == MY_LITERAL_TEXT && l->column->collation && strcmp(l->introducer + 1, l->column->charset) == 0) {
        buf_str(b, " COLLATE ");
        buf_str(b, l->column->collation);
    }
    return SC_OK;
}

enum sc_result my_add_key_literal(struct buf *b, const struct my_literal *l, const char *text, struct sc_error *err)
{
    size_t len = strlen(text);
    switch (l->kind) {
    case MY_LITERAL_NUMBER:
    case MY_LITERAL_ENUM:
    case MY_LITERAL_SET:
        if (!is_number(text))
            return damaged(l, err);
        buf_bytes(b, text, len);
        return SC_OK;
    case MY_LITERAL_FLOAT:
    case MY_LITERAL_DOUBLE:
        if (!is_number(text))
            return damaged(l, err);
        add_double(b, text, len);
        return SC_OK;
    case MY_LITERAL_QUOTED:
        if (!len || strspn(text, TEXT_OF_QUOTED) != len)
            return damaged(l, err);
        add_quoted(b, text, len);
        return SC_OK;
    case MY_LITERAL_TEXT:
    case MY_LITERAL_BINARY:
        return add_hex_bound(b, l, text, err);
    default:
        return damaged(l, err);
    }
}
