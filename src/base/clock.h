/* Time. Deadlines and rates use the monotonic clock; wall-clock time is for people only and orders nothing. */
#ifndef SC_BASE_CLOCK_H
#define SC_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t clock_us(void);      /* monotonic, microseconds */
int64_t clock_wall_us(void); /* microseconds since 1970, UTC */
void clock_sleep_ms(int64_t ms);

/* Exponential back-off with jitter: first_ms, doubled up to max_ms, each between half and all of it. */
struct backoff {
    int64_t first_ms, max_ms, next_ms;
    uint64_t seed;
};
void backoff_init(struct backoff *b, int64_t first_ms, int64_t max_ms);
int64_t backoff_next_ms(struct backoff *b);
void backoff_reset(struct backoff *b);

#endif
