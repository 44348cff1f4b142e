#include "applier/join.h"

#include <time.h>

#include "base/clock.h"
#include "base/log.h"

#define GRACE_MS 2000
#define AGAIN_MS 500

static struct timespec in_ms(int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t); /* pthread_timedjoin_np() knows no other */
    int64_t ns = t.tv_nsec + ms % 1000 * 1000000;
    t.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
    t.tv_nsec = (long)(ns % 1000000000);
    return t;
}

void join_workers(const struct target_ops *ops, struct target *target, const pthread_t *threads, int count)
{
    int64_t wait_ms = GRACE_MS;
    for (int i = 0; i < count; i++) {
        for (;;) {
            struct timespec until = in_ms(wait_ms);
            if (pthread_timedjoin_np(threads[i], NULL, &until) == 0)
                break;
            if (wait_ms == GRACE_MS)
                log_debug("what is being done on the server is interrupted");
            ops->interrupt(target);
            wait_ms = AGAIN_MS;
        }
    }
}
