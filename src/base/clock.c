#include "base/clock.h"

#include <errno.h>
#include <time.h>

static int64_t now_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
    return now_us(CLOCK_REALTIME);
}

void clock_sleep_ms(int64_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (ms > 0 && nanosleep(&t, &t) < 0 && errno == EINTR)
        ;
}

void backoff_init(struct backoff *b, int64_t first_ms, int64_t max_ms)
{
    *b = (struct backoff){.first_ms = first_ms, .max_ms = max_ms, .next_ms = first_ms};
    b->seed = (uint64_t)clock_us() | 1;
}

int64_t backoff_next_ms(struct backoff *b)
{
    int64_t now = b->next_ms;
    b->next_ms = now >= b->max_ms / 2 ? b->max_ms : now * 2;
    b->seed = b->seed * 6364136223846793005u + 1442695040888963407u;
    return now / 2 + (int64_t)((b->seed >> 33) % (uint64_t)(now / 2 + 1));
}

void backoff_reset(struct backoff *b)
{
    b->next_ms = b->first_ms;
}
