/* Jackson's UTF8JsonGenerator: short escapes where JSON has them, digits of hexadecimal numbers in capitals, and
 * characters beyond U+FFFF as two escaped surrogates. */
#include "cdc/audit/json.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

/* The character of four well-formed bytes. */
static uint32_t wide(const unsigned char *p)
{
    return (p[0] & 7u) << 18 | (p[1] & 63u) << 12 | (p[2] & 63u) << 6 | (p[3] & 63u);
}

static void add_special(struct buf *out, const unsigned char *p, int len)
{
    static const char plain[] = "\"\\\b\t\n\f\r", escaped[] = "\"\\btnfr";
    const char *short_one = len == 1 && *p ? strchr(plain, *p) : NULL;
    if (len == 0) {
        buf_str(out, "\xef\xbf\xbd");
    } else if (short_one) {
        buf_char(out, '\\');
        buf_char(out, escaped[short_one - plain]);
    } else if (len == 1 && *p < 0x20) {
        buf_printf(out, "\\u%04X", *p);
    } else if (len == 4) {
        uint32_t c = wide(p) - 0x10000;
        buf_printf(out, "\\u%04X\\u%04X", 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff));
    } else {
        buf_bytes(out, p, (size_t)len);
    }
}

void audit_json_text(struct buf *out, const char *text, size_t size)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + size, *from = p;
    buf_char(out, '"');
    while (p < end) {
        if (*p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
            p++;
            continue;
        }
        buf_bytes(out, from, (size_t)(p - from));
        int len = json_utf8_len(p, end);
        add_special(out, p, len);
        p += len ? len : 1;
        from = p;
    }
    buf_bytes(out, from, (size_t)(p - from));
    buf_char(out, '"');
}

void audit_json_string(struct buf *out, const char *text)
{
    audit_json_text(out, text, strlen(text));
}
