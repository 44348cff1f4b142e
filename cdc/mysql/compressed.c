#include "cdc/mysql/compressed.h"

#include <zlib.h>

#include "base/reader.h"

/* What zlib can make of one byte at most (zlib, technical details: 1032:1), rounded up. */
#define MAX_RATIO 1040
/* No event is larger (max_allowed_packet's maximum, manual, "Server System Variables"). */
#define MAX_EVENT (UINT64_C(1) << 30)

const uint8_t *my_inflate(struct arena *arena, const uint8_t *data, size_t len, size_t *out_len, const char **problem)
{
    struct reader r = reader_of(data, len);
    uint8_t header = read_u8(&r);
    uint64_t claimed = 0;
    for (int left = header & 7; left > 0; left--)
        claimed = claimed << 8 | read_u8(&r);
    if (!reader_ok(&r) || !(header & 0x80)) {
        *problem = "a compressed body without its header";
        return NULL;
    }
    if (header & 0x70) {
        *problem = "compressed in another way than by zlib";
        return NULL;
    }
    size_t left = reader_left(&r);
    if (claimed > MAX_EVENT || claimed > (uint64_t)left * MAX_RATIO) {
        *problem = "a compressed body that claims more bytes than it can hold";
        return NULL;
    }
    uint8_t *out = arena_alloc(arena, (size_t)claimed + 1);
    uLongf made = (uLongf)claimed;
    uLong used = (uLong)left;
    if (uncompress2(out, &made, r.p, &used) != Z_OK || made != claimed || used != left) {
        *problem = "a compressed body that does not decompress to what it claims";
        return NULL;
    }
    out[made] = 0;
    *out_len = made;
    return out;
}
