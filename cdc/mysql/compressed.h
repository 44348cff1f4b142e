/* MariaDB's compressed bodies (log_bin_compress; and columns with the attribute COMPRESSED are none of this). */
#ifndef SC_CDC_MYSQL_COMPRESSED_H
#define SC_CDC_MYSQL_COMPRESSED_H

#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* Decompresses a record: a byte (0x80 | bytes of the length, algorithm in bits 4-6, only zlib = 0 exists), the length,
 * the zlib stream to the end. The result comes from the arena with a NUL behind it. NULL: *problem says what is wrong
 * (static text). Claims beyond what zlib can make of so many bytes are not believed. */
const uint8_t *my_inflate(struct arena *arena, const uint8_t *data, size_t len, size_t *out_len, const char **problem);

#endif
