#include "status/status.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"

static struct {
    pthread_mutex_t lock;
    struct status now;
    int64_t published_us;
} the_status = {.lock = PTHREAD_MUTEX_INITIALIZER};

void status_begin(const char *command)
{
    pthread_mutex_lock(&the_status.lock);
    the_status.now = (struct status){
        .lag_ms = -1, .eta_s = -1, .writers_held_ms = -1, .audit.lag_ms = -1, .began_us = clock_wall_us()};
    snprintf(the_status.now.command, sizeof(the_status.now.command), "%s", command);
    the_status.published_us = clock_us();
    pthread_mutex_unlock(&the_status.lock);
}

void status_publish(const struct status *status)
{
    pthread_mutex_lock(&the_status.lock);
    struct status before = the_status.now;
    the_status.now = *status;
    the_status.now.began_us = before.began_us;
    snprintf(the_status.now.command, sizeof(the_status.now.command), "%s", before.command);
    the_status.published_us = clock_us();
    pthread_mutex_unlock(&the_status.lock);
}

void status_read(struct status *out, int64_t *age_ms)
{
    pthread_mutex_lock(&the_status.lock);
    *out = the_status.now;
    *age_ms = (clock_us() - the_status.published_us) / 1000;
    pthread_mutex_unlock(&the_status.lock);
}
