#include "base/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"

uint64_t random_number(void)
{
    uint64_t n;
    /* So few bytes come whole (getrandom(2)), unless a sandbox forbids the call. */
    if (getrandom(&n, sizeof(n), 0) != (ssize_t)sizeof(n))
        n = ((uint64_t)getpid() << 40 ^ (uint64_t)clock_wall_us()) * 0x9e3779b97f4a7c15u;
    return n;
}

void random_id(char out[RANDOM_ID_TEXT])
{
    snprintf(out, RANDOM_ID_TEXT, "%08" PRIx32, (uint32_t)(random_number() >> 32));
}
