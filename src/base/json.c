#include "base/json.h"

#include <string.h>

#include "base/mem.h"

int json_utf8_len(const unsigned char *p, const unsigned char *end)
{
    if (p[0] < 0x80)
        return 1;
    int n = p[0] >= 0xc2 && p[0] <= 0xdf ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;
    if (n == 0 || n > end - p)
        return 0;
    for (int i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

/* Bytes from p on that stand for themselves. */
static size_t plain(const unsigned char *p, const unsigned char *end)
{
    const unsigned char *from = p;
    while (p < end && *p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\')
        p++;
    return (size_t)(p - from);
}

void json_text(struct buf *b, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    buf_char(b, '"');
    while (p < end) {
        size_t run = plain(p, end);
        buf_bytes(b, p, run);
        if ((p += run) == end)
            break;
        int n = json_utf8_len(p, end);
        if (n == 0) {
            buf_str(b, "\\ufffd");
            p++;
            continue;
        }
        if (*p == '"' || *p == '\\')
            buf_printf(b, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            buf_printf(b, "\\u%04x", *p);
        else
            buf_bytes(b, p, (size_t)n);
        p += n;
    }
    buf_char(b, '"');
}

void json_string(struct buf *b, const char *text)
{
    json_text(b, text, strlen(text));
}
