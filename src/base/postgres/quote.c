#include <stdio.h>
#include <string.h>

#include "base/postgres/conn.h"

static void add_quoted(struct buf *b, const char *text, char quote)
{
    buf_char(b, quote);
    for (const char *p = text; *p; p++) {
        if (*p == quote)
            buf_char(b, quote);
        buf_char(b, *p);
    }
    buf_char(b, quote);
}

void pg_add_ident(struct buf *b, const char *name)
{
    add_quoted(b, name, '"');
}

void pg_add_qualified(struct buf *b, const char *schema, const char *name)
{
    pg_add_ident(b, schema);
    buf_char(b, '.');
    pg_add_ident(b, name);
}

void pg_add_literal(struct buf *b, const char *text)
{
    add_quoted(b, text, '\'');
}

void pg_add_array_element(struct buf *b, const char *text)
{
    buf_char(b, '"');
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            buf_char(b, '\\');
        buf_char(b, *p);
    }
    buf_char(b, '"');
}

char *pg_ident(const char *name)
{
    struct buf b = {0};
    pg_add_ident(&b, name);
    return buf_take(&b);
}

char *pg_qualified(const char *schema, const char *name)
{
    struct buf b = {0};
    pg_add_qualified(&b, schema, name);
    return buf_take(&b);
}

char *pg_literal(const char *text)
{
    struct buf b = {0};
    pg_add_literal(&b, text);
    return buf_take(&b);
}

static bool read_hex(const char **p, uint64_t *out)
{
    uint64_t v = 0;
    int digits = 0;
    for (;; (*p)++, digits++) {
        char c = **p;
        uint64_t d;
        if (c >= '0' && c <= '9')
            d = (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            d = (uint64_t)(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F')
            d = (uint64_t)(c - 'A' + 10);
        else
            break;
        if (digits == 8)
            return false;
        v = v << 4 | d;
    }
    *out = v;
    return digits > 0;
}

bool pg_lsn_parse(const char *text, uint64_t *lsn)
{
    uint64_t high, low;
    if (!read_hex(&text, &high) || *text++ != '/' || !read_hex(&text, &low) || *text)
        return false;
    *lsn = high << 32 | low;
    return true;
}

void pg_lsn_format(uint64_t lsn, char out[static 24])
{
    snprintf(out, 24, "%X/%X", (unsigned)(lsn >> 32), (unsigned)(lsn & 0xffffffffu));
}
