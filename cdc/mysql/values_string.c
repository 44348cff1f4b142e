/* Strings of row events: text, binary, BLOB, JSON, geometry, MariaDB's compressed columns and its types of fixed
 * length. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/plant.h"
#include "cdc/mysql/values_parts.h"

enum { UUID_BYTES = 16, INET4_BYTES = 4, INET6_BYTES = 16 };

static bool give(struct value *out, const char *data, size_t len)
{
    *out = (struct value){.state = VALUE_PRESENT, .len = (uint32_t)len, .data = data};
    return true;
}

static bool fail(const char **problem, const char *text)
{
    *problem = text;
    return false;
}

/* --- MariaDB's types of fixed length --- */

/* A record keeps the segments of a UUID of versions 1 to 5 in reverse, so that those made together are stored together;
 * others stay as they are, and old tables swap all (MariaDB source, plugin/type_uuid/sql_type_uuid.h). */
static bool uuid_text(const uint8_t *record, bool all_swapped, struct arena *arena, struct value *out)
{
    static const uint8_t swapped[UUID_BYTES] = {12, 13, 14, 15, 10, 11, 8, 9, 6, 7, 0, 1, 2, 3, 4, 5};
    bool swap = all_swapped || (record[6] & (uint8_t)(0 - record[8]) & 0x80);
    char text[37], *p = text;
    for (int i = 0; i < UUID_BYTES; i++) {
        uint8_t byte = record[swap ? swapped[i] : i];
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = "0123456789abcdef"[byte >> 4];
        *p++ = "0123456789abcdef"[byte & 15];
    }
    return give(out, arena_copy(arena, text, 36), 36);
}

/* The server prints addresses its own way (sql_type_inet.cc); what counts is that it reads this text to the same
 * bytes. */
static bool inet_text(int family, const uint8_t *address, struct arena *arena, struct value *out)
{
    char text[INET6_ADDRSTRLEN];
    if (!inet_ntop(family, address, text, sizeof(text)))
        return false;
    size_t len = strlen(text);
    return give(out, arena_copy(arena, text, len), len);
}

static bool read_fixed(const char *data, size_t len, enum my_family_type kind, struct arena *arena, struct value *out,
                       const char **problem)
{
    uint8_t full[UUID_BYTES] = {0}; /* zeros at the end are not logged */
    if (len > (kind == MY_TYPE_INET4 ? (size_t)INET4_BYTES : sizeof(full)))
        return fail(problem, "a UUID or network address that is too long");
    memcpy(full, data, len);
    switch (kind) {
    case MY_TYPE_INET4:
        return inet_text(AF_INET, full, arena, out);
    case MY_TYPE_INET6:
        return inet_text(AF_INET6, full, arena, out);
    default:
        return uuid_text(full, kind == MY_TYPE_UUID_OLD, arena, out);
    }
}

/* --- MariaDB's compressed columns --- */

/* Behind a byte that says how (upper half: 0 as it is, 8 zlib; bit 3: without zlib's header; lower bits: bytes of the
 * length), the length, big-endian, then the data (MariaDB source, sql/field_comp.cc). Empty stays empty. */
static bool inflate_column(const uint8_t *in, size_t len, struct arena *arena, struct value *out, const char **problem)
{
    if (len == 0)
        return give(out, arena_copy(arena, "", 0), 0);
    unsigned method = in[0] >> 4, length_bytes = in[0] & 7;
    if (method == 0)
        return give(out, arena_copy(arena, in + 1, len - 1), len - 1);
    if (method != 8)
        return fail(problem, "a compressed value whose method is not known");
    struct reader r = reader_of(in + 1, len - 1);
    uint64_t size = my_read_be(&r, length_bytes);
    /* zlib cannot make one byte out of more than 1032. */
    if (!reader_ok(&r) || length_bytes == 0 || size > UINT32_MAX || size > (uint64_t)reader_left(&r) * 1032)
        return fail(problem, "a compressed value whose length cannot be");
    char *data = arena_alloc(arena, (size_t)size + 1);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)r.p,
                  .avail_in = (uInt)reader_left(&r),
                  .next_out = (Bytef *)data,
                  .avail_out = (uInt)size};
    if (inflateInit2(&z, in[0] & 8 ? -MAX_WBITS : MAX_WBITS) != Z_OK)
        return fail(problem, "a compressed value, for which zlib has no memory");
    int rc = inflate(&z, Z_FINISH);
    bool whole = rc == Z_STREAM_END && z.total_out == size;
    inflateEnd(&z);
    return whole ? give(out, data, (size_t)size) : fail(problem, "a compressed value that is damaged");
}

/* --- all --- */

static bool read_char(struct reader *r, const struct my_log_column *column, struct arena *arena, struct value *out,
                      const char **problem)
{
    size_t len = (size_t)my_read_le(r, column->metadata > 255 ? 2 : 1);
    const char *data = read_bytes(r, len);
    if (!data)
        return false;
    if (column->kind != MY_TYPE_PLAIN)
        return read_fixed(data, len, column->kind, arena, out, problem);
    if (!column->is_binary || len >= column->length || PLANTED(B6_ZERO_BYTES_CUT))
        return give(out, arena_copy(arena, data, len), len);
    if (column->length > UINT16_MAX)
        return fail(problem, "a BINARY longer than any is");
    char *full = arena_alloc(arena, (size_t)column->length + 1); /* zeroed */
    memcpy(full, data, len);
    return give(out, full, column->length);
}

bool my_read_string(struct reader *r, const struct my_log_column *column, struct arena *arena, struct value *out,
                    const char **problem)
{
    size_t length_bytes;
    switch (column->type) {
    case MY_LOG_STRING:
        return read_char(r, column, arena, out, problem);
    case MY_LOG_VARCHAR:
    case MY_LOG_VAR_STRING:
    case MY_LOG_VARCHAR_COMPRESSED:
        length_bytes = column->metadata > 255 ? 2 : 1;
        break;
    case MY_LOG_BLOB:
    case MY_LOG_BLOB_COMPRESSED:
    case MY_LOG_TINY_BLOB:
    case MY_LOG_MEDIUM_BLOB:
    case MY_LOG_LONG_BLOB:
    case MY_LOG_GEOMETRY:
    case MY_LOG_JSON:
    case MY_LOG_VECTOR:
        length_bytes = column->metadata;
        break;
    default:
        return fail(problem, "a column of a type that is not known here");
    }
    if (length_bytes < 1 || length_bytes > 4)
        return fail(problem, "a BLOB whose length cannot be read");
    size_t len = (size_t)my_read_le(r, length_bytes);
    const char *data = read_bytes(r, len);
    if (!data)
        return false;
    if (column->type == MY_LOG_VARCHAR_COMPRESSED || column->type == MY_LOG_BLOB_COMPRESSED)
        return inflate_column((const uint8_t *)data, len, arena, out, problem);
    return give(out, arena_copy(arena, data, len), len);
}
