/* A bounded reader with a sticky error, for everything that comes from outside.
 *
 * Getters past the end return zeros and set `bad`; nothing is read beyond `end`. Parse a whole message, then ask
 * reader_ok() once. Numbers are big-endian (network order), as in PostgreSQL's protocol; the _le variants serve
 * MySQL's. */
#ifndef SC_BASE_READER_H
#define SC_BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
    const uint8_t *start, *p, *end;
    bool bad;
};

struct reader reader_of(const void *data, size_t len);
bool reader_ok(const struct reader *r);       /* nothing was read past the end */
bool reader_done(const struct reader *r);     /* ok, and all was read */
size_t reader_left(const struct reader *r);   /* 0 once bad */
size_t reader_offset(const struct reader *r); /* bytes read so far */

uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
uint16_t read_u16_le(struct reader *r);
uint32_t read_u24_le(struct reader *r);
uint32_t read_u32_le(struct reader *r);
uint64_t read_u48_le(struct reader *r);
uint64_t read_u64_le(struct reader *r);
uint64_t read_packed(struct reader *r); /* MySQL's length-encoded integer; the NULL and error marks are bad */
const char *read_bytes(struct reader *r, size_t len); /* points into the input, not NUL-terminated; NULL when bad */
const char *read_cstring(struct reader *r);           /* points into the input, its NUL is inside; "" when bad */

#endif
