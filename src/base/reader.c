#include "base/reader.h"

#include <string.h>

struct reader reader_of(const void *data, size_t len)
{
    const uint8_t *p = data;
    return (struct reader){.start = p, .p = p, .end = len ? p + len : p};
}

bool reader_ok(const struct reader *r)
{
    return !r->bad;
}

bool reader_done(const struct reader *r)
{
    return !r->bad && r->p == r->end;
}

size_t reader_left(const struct reader *r)
{
    return r->bad ? 0 : (size_t)(r->end - r->p);
}

size_t reader_offset(const struct reader *r)
{
    return (size_t)(r->p - r->start);
}

static const uint8_t *take(struct reader *r, size_t len)
{
    if (r->bad || (size_t)(r->end - r->p) < len) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->p;
    if (len)
        r->p += len;
    return p;
}

static uint64_t read_be(struct reader *r, size_t len)
{
    const uint8_t *p = take(r, len);
    uint64_t v = 0;
    for (size_t i = 0; p && i < len; i++)
        v = v << 8 | p[i];
    return v;
}

uint8_t read_u8(struct reader *r)
{
    return (uint8_t)read_be(r, 1);
}

uint16_t read_u16(struct reader *r)
{
    return (uint16_t)read_be(r, 2);
}

uint32_t read_u32(struct reader *r)
{
    return (uint32_t)read_be(r, 4);
}

uint64_t read_u64(struct reader *r)
{
    return read_be(r, 8);
}

static uint64_t read_le(struct reader *r, size_t len)
{
    const uint8_t *p = take(r, len);
    uint64_t v = 0;
    for (size_t i = len; p && i > 0; i--)
        v = v << 8 | p[i - 1];
    return v;
}

uint16_t read_u16_le(struct reader *r)
{
    return (uint16_t)read_le(r, 2);
}

uint32_t read_u24_le(struct reader *r)
{
    return (uint32_t)read_le(r, 3);
}

uint32_t read_u32_le(struct reader *r)
{
    return (uint32_t)read_le(r, 4);
}

uint64_t read_u48_le(struct reader *r)
{
    return read_le(r, 6);
}

uint64_t read_u64_le(struct reader *r)
{
    return read_le(r, 8);
}

uint64_t read_packed(struct reader *r)
{
    uint8_t first = read_u8(r);
    if (first < 251)
        return first;
    switch (first) {
    case 252:
        return read_u16_le(r);
    case 253:
        return read_u24_le(r);
    case 254:
        return read_u64_le(r);
    default:
        r->bad = true;
        return 0;
    }
}

const char *read_bytes(struct reader *r, size_t len)
{
    return (const char *)take(r, len);
}

const char *read_cstring(struct reader *r)
{
    const uint8_t *nul = r->bad || r->p == r->end ? NULL : memchr(r->p, 0, (size_t)(r->end - r->p));
    if (!nul) {
        r->bad = true;
        return "";
    }
    return (const char *)take(r, (size_t)(nul - r->p) + 1);
}
