/* MurmurHash2 by Austin Appleby, public domain; with the seed of Kafka's Utils.murmur2(). */
#include <string.h>

#include "cdc/audit/stream.h"

int32_t audit_partition(const void *key, size_t len, int32_t partitions)
{
    const uint32_t m = 0x5bd1e995, seed = 0x9747b28c;
    const uint8_t *p = key;
    uint32_t h = seed ^ (uint32_t)len;
    for (; len >= 4; p += 4, len -= 4) {
        uint32_t k = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        k *= m;
        k ^= k >> 24;
        k *= m;
        h = h * m ^ k;
    }
    if (len == 3)
        h ^= (uint32_t)p[2] << 16;
    if (len >= 2)
        h ^= (uint32_t)p[1] << 8;
    if (len >= 1) {
        h ^= p[0];
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return (int32_t)((h & 0x7fffffff) % (uint32_t)partitions);
}
