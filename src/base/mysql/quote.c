#include <string.h>

#include "base/mysql/conn.h"

void my_add_ident(struct buf *b, const char *name)
{
    buf_char(b, '`');
    for (const char *p = name; *p; p++) {
        if (*p == '`')
            buf_char(b, '`');
        buf_char(b, *p);
    }
    buf_char(b, '`');
}

void my_add_qualified(struct buf *b, const char *schema, const char *name)
{
    my_add_ident(b, schema);
    buf_char(b, '.');
    my_add_ident(b, name);
}

/* A backslash means different things with and without NO_BACKSLASH_ESCAPES: such a text is written as its bytes. */
void my_add_literal(struct buf *b, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    if (strchr(text, '\\')) {
        buf_str(b, "_utf8mb4 X'");
        for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
            buf_char(b, digits[*p >> 4]);
            buf_char(b, digits[*p & 15]);
        }
        buf_char(b, '\'');
        return;
    }
    buf_char(b, '\'');
    for (const char *p = text; *p; p++) {
        if (*p == '\'')
            buf_char(b, '\'');
        buf_char(b, *p);
    }
    buf_char(b, '\'');
}

char *my_ident(const char *name)
{
    struct buf b = {0};
    my_add_ident(&b, name);
    return buf_take(&b);
}

char *my_qualified(const char *schema, const char *name)
{
    struct buf b = {0};
    my_add_qualified(&b, schema, name);
    return buf_take(&b);
}
