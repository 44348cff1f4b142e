#include "applier/pace.h"

#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* What the copy may take of others' work. Changes have to be applied and indexes built beside it, which takes more. */
#define MAY_COST 0.15
/* However much it costs, it comes to an end. */
#define LEAST_WORK 0.1
/* Others who get less than this done a second are not worth a rest: it could not be told from chance, either. */
#define FEW_A_SECOND 50
/* Measured over at least so long; work goes on for as long before there is a rest. */
#define WORK_US 200000
#define REST_LEAST_US 300000
/* What the copy has left to be flushed is not the rest's. */
#define REST_SETTLE_US 100000
#define REST_LOOK_US 200000
#define MEASURE_LEAST_US 90000
#define REST_MOST_US 3000000
/* A chunk that takes longer than this to end, because of a locked row say, does not keep the others waiting. */
#define CLOSING_MOST_US 1000000
/* What was measured in a rest counts for so long; the first few times, which chance can spoil, for less. */
#define REST_KNOWN_US 5000000
#define REST_KNOWN_FIRST_US 1000000
#define RESTS_FIRST 5
/* A new measurement's weight. */
#define WEIGHT 0.4

struct pace {
    const struct target_ops *ops;
    struct gate *gate;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool closed;
    int working;  /* chunks in flight */
    bool begun;   /* there is a window of work, or of rest */
    bool closing; /* the window of work has been long enough: nobody begins before those in flight have ended */
    bool resting; /* until: */
    int64_t until_us;
    int64_t closing_us; /* since then */
    int64_t work_us;    /* since then it works */
    int64_t began_us;   /* the window */
    bool counted;       /* how much was done for others until then */
    uint64_t count;
    uint64_t turns;              /* the applier's, until then: what is done in one is not the copy's doing */
    double work_rate, rest_rate; /* for others, a second; negative: not known */
    int64_t rest_known_us;
    int rests_known;
};

static uint64_t turns(const struct pace *p)
{
    return p->gate ? gate_turns(p->gate) : 0;
}

struct pace *pace_new(const struct target_ops *ops, struct gate *gate)
{
    struct pace *p = mem_alloc(sizeof(*p));
    p->ops = ops;
    p->gate = gate;
    p->work_rate = p->rest_rate = -1;
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &attr);
    pthread_condattr_destroy(&attr);
    return p;
}

void pace_free(struct pace *p)
{
    if (!p)
        return;
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
}

int64_t pace_rest_us(double working, double resting, int64_t work_us)
{
    if (working < 0 || resting < FEW_A_SECOND || working >= resting)
        return 0;
    double cost = 1 - working / resting;
    if (cost <= MAY_COST)
        return 0;
    double work = MAY_COST / cost;
    if (work < LEAST_WORK)
        work = LEAST_WORK;
    double rest_us = (double)work_us * (1 - work) / work;
    return rest_us < REST_LEAST_US ? REST_LEAST_US : rest_us > REST_MOST_US ? REST_MOST_US : (int64_t)rest_us;
}

static void begin_window(struct pace *p, struct session *session)
{
    p->turns = turns(p);
    p->counted = session && p->ops->others_work && p->ops->others_work(session, &p->count);
    p->began_us = clock_us();
}

/* *rate stays as it was where nothing could be learnt. */
static bool measure(struct pace *p, struct session *session, double *rate)
{
    uint64_t count = 0;
    int64_t took_us = clock_us() - p->began_us;
    if (!p->counted || took_us < MEASURE_LEAST_US || p->turns % 2 == 1 || turns(p) != p->turns || !session ||
        !p->ops->others_work(session, &count))
        return false;
    double now = count > p->count ? (double)(count - p->count) * 1e6 / (double)took_us : 0;
    *rate = *rate < 0 ? now : *rate + WEIGHT * (now - *rate);
    return true;
}

/* Nothing to compare with is a reason for a short rest. */
static int64_t wanted_rest_us(const struct pace *p)
{
    int64_t now = clock_us();
    int64_t rest_us = pace_rest_us(p->work_rate, p->rest_rate, now - p->work_us);
    bool known = p->rest_rate >= 0 &&
                 now - p->rest_known_us < (p->rests_known < RESTS_FIRST ? REST_KNOWN_FIRST_US : REST_KNOWN_US);
    bool busy = p->work_rate >= FEW_A_SECOND || p->rest_rate >= FEW_A_SECOND;
    return rest_us == 0 && !known && busy && p->work_rate >= 0 ? REST_LEAST_US : rest_us;
}

static void begin_work(struct pace *p, struct session *session)
{
    p->closing = false;
    p->resting = false;
    begin_window(p, session);
    p->work_us = p->began_us;
    pthread_cond_broadcast(&p->changed);
}

static void begin_rest(struct pace *p)
{
    int64_t rest_us = wanted_rest_us(p);
    log_debug(
        "copy: others got %.0f/s done while it worked, for %lld ms, and %.0f/s while it rested; resting for %lld ms",
        p->work_rate, (long long)(clock_us() - p->work_us) / 1000, p->rest_rate, (long long)rest_us / 1000);
    p->closing = false;
    p->resting = true;
    begin_window(p, NULL);
    p->until_us = p->began_us + rest_us;
    pthread_cond_broadcast(&p->changed);
}

static void wait_changed(struct pace *p, int64_t until_us)
{
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    pthread_cond_timedwait(&p->changed, &p->lock, &until);
}

/* In a rest it is measured again and again: the applier spoils some of it. */
static void rest(struct pace *p, struct session *session)
{
    int64_t look_us = p->began_us + (p->counted ? REST_LOOK_US : REST_SETTLE_US);
    wait_changed(p, look_us < p->until_us ? look_us : p->until_us);
    int64_t now = clock_us();
    if (p->closed || !p->resting || (now < p->until_us && now < look_us))
        return;
    if (measure(p, session, &p->rest_rate)) {
        p->rest_known_us = now;
        p->rests_known++;
    }
    if (now < p->until_us)
        begin_window(p, session);
    else
        begin_work(p, session);
}

static void wait_for_others(struct pace *p)
{
    int64_t until_us = p->closing_us + CLOSING_MOST_US;
    wait_changed(p, until_us);
    if (p->closing && clock_us() >= until_us)
        begin_work(p, NULL);
}

void pace_enter(struct pace *p, struct session *session)
{
    pthread_mutex_lock(&p->lock);
    if (!p->begun)
        begin_work(p, session);
    p->begun = true;
    while (!p->closed && (p->resting || p->closing)) {
        if (p->resting)
            rest(p, session);
        else
            wait_for_others(p);
    }
    p->working++;
    pthread_mutex_unlock(&p->lock);
}

void pace_leave(struct pace *p, struct session *session)
{
    pthread_mutex_lock(&p->lock);
    p->working--;
    if (!p->closing && !p->resting && clock_us() - p->began_us >= WORK_US) {
        measure(p, session, &p->work_rate);
        p->closing = wanted_rest_us(p) > 0;
        p->closing_us = clock_us();
        if (!p->closing)
            begin_work(p, session);
    }
    if (p->closing && p->working == 0)
        begin_rest(p);
    pthread_mutex_unlock(&p->lock);
}

void pace_close(struct pace *p)
{
    pthread_mutex_lock(&p->lock);
    p->closed = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}
