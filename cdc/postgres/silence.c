#include "cdc/postgres/silence.h"

enum {
    FIRST_MS = 75000,
    LONGEST_MS = 3600000,
};

void silence_init(struct silence *s, int64_t now_us)
{
    *s = (struct silence){.limit_ms = FIRST_MS, .heard_us = now_us};
}

void silence_heard(struct silence *s, int64_t now_us)
{
    s->heard_us = now_us;
}

void silence_moved(struct silence *s, uint64_t lsn)
{
    if (lsn > s->stuck_at)
        s->limit_ms = FIRST_MS;
}

bool silence_over(struct silence *s, uint64_t lsn, int64_t now_us)
{
    if (now_us - s->heard_us <= s->limit_ms * 1000)
        return false;
    s->limit_ms = s->limit_ms * 2 > LONGEST_MS ? LONGEST_MS : s->limit_ms * 2;
    s->stuck_at = lsn;
    return true;
}
