#include "applier/walk.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "applier/join.h"
#include "applier/pace.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/plant.h"

/* A first chunk is small so that its time teaches the size of the next. */
#define CHUNK_ROWS_FIRST 2000
#define CHUNK_ROWS_LEAST 50
#define CHUNK_ROWS_MOST 200000

/* A stretch of the key that is still to be walked: (after, upto]. A resumed walk starts with the holes between recorded
 * chunks; the last one is open at its end and is cut into chunks. */
struct stretch {
    uint64_t number; /* of its first chunk */
    struct key *after, *upto;
    struct stretch *next;
};

struct walk {
    struct walk_config config;
    struct pace *pace;
    pthread_mutex_t cutting; /* guards what follows; held while the server looks for a bound */
    struct stretch *todo;
    struct chunk *known;
    size_t nknown, known_at; /* where the open stretch begins */
    uint64_t known_rows;     /* from there on */
    pthread_mutex_t lock;    /* guards what follows */
    pthread_cond_t ended;
    pthread_t *threads;
    int started, running;
    bool stopping;
    uint64_t chunk_rows, chunk_rows_most;
    uint64_t rows, chunks;
    enum sc_result result;
    struct sc_error err;
};

struct worker {
    struct walk *walk;
    int number;
};

static void give_stretch(struct stretch ***tail, uint64_t number, struct key *after, struct key *upto)
{
    struct stretch *s = mem_alloc(sizeof(*s));
    s->number = number;
    s->after = after;
    s->upto = upto;
    **tail = s;
    *tail = &s->next;
}

static void drop_stretch(struct walk *c)
{
    struct stretch *s = c->todo;
    c->todo = s->next;
    key_free(s->after);
    key_free(s->upto);
    mem_free(s);
}

static void free_chunks(struct chunk *chunks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        key_free(chunks[i].after);
        key_free(chunks[i].upto);
    }
    mem_free(chunks);
}

/* Numbers are given along the key and a hole is filled under the number that is missing in it, so recorded chunks
 * ordered by number are ordered by key. Where neighbours do not touch, the process before us had chunks in flight: a
 * hole is small and is walked as one chunk. */
static enum sc_result find_holes(struct walk *c, const struct chunk *chunks, size_t count, struct sc_error *err)
{
    struct stretch **tail = &c->todo;
    const struct key *at = NULL;
    uint64_t number = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && !at)
            return error_set(err, SC_FAIL, "recorded chunk %llu lies behind the end of the table",
                             (unsigned long long)chunks[i].number);
        if (!key_same(chunks[i].after, at))
            give_stretch(&tail, number, key_copy(at), key_copy(chunks[i].after));
        at = chunks[i].upto;
        number = chunks[i].number + 1;
    }
    if (count == 0 || at)
        give_stretch(&tail, number, key_copy(at), NULL);
    return SC_OK;
}

bool walk_is_stopping(struct walk *c)
{
    pthread_mutex_lock(&c->lock);
    bool yes = c->stopping;
    pthread_mutex_unlock(&c->lock);
    return yes;
}

static uint64_t chunk_rows(struct walk *c)
{
    pthread_mutex_lock(&c->lock);
    uint64_t rows = c->chunk_rows;
    pthread_mutex_unlock(&c->lock);
    return rows;
}

/* What is known of where the open stretch can be cut. */
static void take_known(struct walk *c, struct chunk *known, size_t count)
{
    c->known = known;
    c->nknown = count;
    const struct stretch *open = c->todo;
    while (open && open->next)
        open = open->next;
    if (!open || open->upto)
        c->known_at = count;
    while (c->known_at < count && !key_same(known[c->known_at].after, open->after))
        c->known_at++;
    for (size_t i = c->known_at; i < count; i++)
        c->known_rows += known[i].rows;
}

/* Under c->cutting. The known bound nearest to so many rows behind `after`, or the next one; where little is left,
 * fewer rows, so that no worker is at it when the others have ended. NULL: none is known. */
static struct key *known_bound(struct walk *c, const struct key *after, uint64_t rows)
{
    uint64_t share = c->known_rows / (uint64_t)c->config.workers / 2, taken = 0;
    if (rows > share)
        rows = share;
    const struct key *upto = after;
    for (; c->known_at < c->nknown; c->known_at++) {
        const struct chunk *k = &c->known[c->known_at];
        bool enough = upto != after && taken + k->rows / 2 > rows;
        if (enough || !k->upto || !key_same(k->after, upto))
            break;
        taken += k->rows;
        upto = k->upto;
    }
    c->known_rows -= taken;
    return upto != after ? key_copy(upto) : NULL;
}

/* Cuts the next chunk off; *chunk's keys are the caller's. Only the open stretch at the end needs the server to say
 * where. SC_STOP: nothing left. */
static enum sc_result next_chunk(struct walk *c, struct session *session, struct chunk *chunk, struct sc_error *err)
{
    if (walk_is_stopping(c))
        return SC_STOP;
    uint64_t rows = chunk_rows(c);
    pthread_mutex_lock(&c->cutting);
    enum sc_result result = SC_OK;
    struct stretch *s = c->todo;
    if (!s) {
        result = SC_STOP;
    } else if (s->upto) {
        *chunk = (struct chunk){.number = s->number, .after = s->after, .upto = s->upto};
        s->after = s->upto = NULL;
        drop_stretch(c);
    } else {
        struct key *upto = c->config.whole ? NULL : known_bound(c, s->after, rows);
        /* Under the mutex: the bound of a chunk is where the next one starts. It reads the key's index only. */
        if (!upto && !c->config.whole)
            result = c->config.ops->chunk_bound(session, s->after, rows, &upto, err);
        if (result == SC_OK) {
            *chunk = (struct chunk){.number = s->number++, .after = s->after, .upto = upto};
            struct key *further = PLANTED(V1_BEGINS_FURTHER_ON) ? known_bound(c, upto, 1) : NULL;
            s->after = further ? further : key_copy(upto);
            if (!upto)
                drop_stretch(c);
        }
    }
    pthread_mutex_unlock(&c->cutting);
    return result;
}

static uint64_t clamp(uint64_t rows, uint64_t most)
{
    return rows > most ? most : rows < CHUNK_ROWS_LEAST ? CHUNK_ROWS_LEAST : rows;
}

static void adapt(struct walk *c, uint64_t rows, int64_t took_us)
{
    pthread_mutex_lock(&c->lock);
    c->rows += rows;
    c->chunks++;
    if (rows >= CHUNK_ROWS_LEAST && took_us > 0) {
        double fits = (double)rows * (double)c->config.chunk_time_ms * 1000 / (double)took_us;
        double now = (double)c->chunk_rows;
        double next = fits > now * 2 ? now * 2 : fits < now / 2 ? now / 2 : (fits + now) / 2;
        c->chunk_rows = clamp((uint64_t)next, c->chunk_rows_most);
    }
    pthread_mutex_unlock(&c->lock);
}

/* The gate is held until it is known whether a lost connection's chunk is in: until then nothing is applied. It is
 * known once there is a session again, and then whoever waits to apply has their turn: the chunk may be failing for
 * long, because of a row that somebody keeps locked. */
static bool give_a_turn(struct walk *c, bool *in_gate)
{
    gate_leave_copy(c->config.gate);
    *in_gate = gate_enter_copy(c->config.gate);
    return *in_gate;
}

/* Runs `step` until it succeeds, fails for good, or has been failing for too long; opens the session again after each
 * failure. in_gate: NULL for a step that is done outside of it. */
static enum sc_result with_retries(struct walk *c, const char *role, struct session **session, struct chunk *chunk,
                                   enum sc_result (*step)(struct walk *, struct session *, struct chunk *,
                                                          struct sc_error *),
                                   bool *in_gate, struct sc_error *err)
{
    struct backoff backoff;
    backoff_init(&backoff, 100, 5000);
    int64_t give_up = clock_us() + c->config.give_up_ms * 1000;
    for (;;) {
        enum sc_result result = SC_OK;
        if (!*session) {
            result = c->config.ops->session_open(c->config.target, role, session, err);
            if (result == SC_OK && in_gate && !give_a_turn(c, in_gate))
                return SC_STOP;
        }
        if (result == SC_OK)
            result = step(c, *session, chunk, err);
        if (result != SC_RETRY)
            return result;
        if (walk_is_stopping(c))
            return SC_STOP;
        if (clock_us() > give_up)
            return result;
        log_warn("%s: %s; trying again", role, err->what);
        c->config.ops->session_close(*session);
        *session = NULL;
        clock_sleep_ms(backoff_next_ms(&backoff));
    }
}

static enum sc_result do_chunk(struct walk *c, struct session *session, struct chunk *chunk, struct sc_error *err)
{
    int64_t start = clock_us();
    uint64_t rows = 0;
    enum sc_result result = c->config.step(c->config.arg, c, session, chunk, &rows, err);
    if (PLANTED(A3_ERROR_IS_THE_END) && result == SC_RETRY)
        result = SC_OK;
    if (result == SC_OK)
        adapt(c, rows, clock_us() - start);
    return result;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct walk *c = w->walk;
    char role[32];
    snprintf(role, sizeof(role), "%.16s %d", c->config.role, w->number);
    mem_free(w);
    struct session *session = NULL;
    struct sc_error err;
    error_init(&err);
    enum sc_result result = SC_OK;
    bool dropped = false; /* a chunk was cut off and not done */
    while (result == SC_OK) {
        struct chunk chunk = {0};
        result = with_retries(c, role, &session, &chunk, next_chunk, NULL, &err);
        if (result == SC_OK) {
            pace_enter(c->pace, session);
            bool gated = c->config.gate != NULL, in_gate = gated && gate_enter_copy(c->config.gate);
            result = !gated || in_gate
                         ? with_retries(c, role, &session, &chunk, do_chunk, gated ? &in_gate : NULL, &err)
                         : SC_STOP;
            if (in_gate)
                gate_leave_copy(c->config.gate);
            pace_leave(c->pace, session);
            dropped = result != SC_OK;
        }
        key_free(chunk.after);
        key_free(chunk.upto);
    }
    c->config.ops->session_close(session);
    pthread_mutex_lock(&c->lock);
    c->running--;
    if (result != SC_STOP || dropped) {
        /* A chunk that failed is not recorded; the walk is not complete whatever the other workers say. */
        if (c->result == SC_OK) {
            c->result = result;
            if (result == SC_STOP)
                error_set(&err, SC_STOP, "the %s was stopped", c->config.role);
            c->err = err;
        }
        c->stopping = true;
    }
    pthread_cond_broadcast(&c->ended);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

enum sc_result walk_start(const struct walk_config *config, struct walk **out, struct sc_error *err)
{
    *out = NULL;
    struct session *session = NULL;
    struct chunk *chunks = NULL, *known = NULL;
    size_t count = 0, nknown = 0;
    uint64_t most = CHUNK_ROWS_MOST;
    enum sc_result result = config->ops->session_open(config->target, config->role, &session, err);
    if (result == SC_OK)
        result = config->ops->chunk_rows_most(session, config->workers, &most, err);
    if (result == SC_OK)
        result = config->load(config->arg, session, &chunks, &count, err);
    if (result == SC_OK && config->load_known)
        result = config->load_known(config->arg, session, &known, &nknown, err);
    config->ops->session_close(session);
    if (result != SC_OK) {
        free_chunks(chunks, count);
        return result;
    }

    struct walk *c = mem_alloc(sizeof(*c));
    c->config = *config;
    c->pace = pace_new(config->ops, config->gate);
    c->chunk_rows_most = clamp(most, CHUNK_ROWS_MOST);
    c->chunk_rows = clamp(CHUNK_ROWS_FIRST, c->chunk_rows_most);
    pthread_mutex_init(&c->lock, NULL);
    pthread_mutex_init(&c->cutting, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->ended, &attr);
    pthread_condattr_destroy(&attr);
    result = find_holes(c, chunks, count, err);
    free_chunks(chunks, count);
    take_known(c, known, nknown);
    if (result != SC_OK) {
        walk_stop(c);
        return result;
    }
    c->threads = mem_array((size_t)config->workers, sizeof(*c->threads));
    for (int i = 0; i < config->workers && result == SC_OK; i++) {
        struct worker *w = mem_alloc(sizeof(*w));
        *w = (struct worker){.walk = c, .number = i + 1};
        pthread_mutex_lock(&c->lock);
        int failed = pthread_create(&c->threads[i], NULL, work, w);
        if (!failed) {
            c->started++;
            c->running++;
        }
        pthread_mutex_unlock(&c->lock);
        if (failed) {
            mem_free(w);
            result = error_set(err, SC_FAIL, "cannot start a thread for the %s: error %d", config->role, failed);
        }
    }
    if (result != SC_OK) {
        walk_stop(c);
        return result;
    }
    *out = c;
    return SC_OK;
}

enum sc_result walk_wait(struct walk *c, int timeout_ms, bool *running, struct sc_error *err)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&c->lock);
    while (c->running > 0 && pthread_cond_timedwait(&c->ended, &c->lock, &until) != ETIMEDOUT)
        ;
    *running = c->running > 0;
    enum sc_result result = *running ? SC_OK : c->result;
    if (!*running && result == SC_OK && c->todo)
        result = error_set(&c->err, SC_STOP, "the %s was stopped", c->config.role);
    if (result != SC_OK && err)
        *err = c->err;
    pthread_mutex_unlock(&c->lock);
    return result;
}

void walk_stats(struct walk *c, struct walk_stats *out)
{
    pthread_mutex_lock(&c->lock);
    *out = (struct walk_stats){.rows = c->rows,
                               .chunks = c->chunks,
                               .chunk_rows = c->chunk_rows,
                               .done = c->running == 0 && c->result == SC_OK};
    pthread_mutex_unlock(&c->lock);
}

void walk_stop(struct walk *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_mutex_unlock(&c->lock);
    pace_close(c->pace);
    join_workers(c->config.ops, c->config.target, c->threads, c->started);
    while (c->todo)
        drop_stretch(c);
    free_chunks(c->known, c->nknown);
    pthread_cond_destroy(&c->ended);
    pthread_mutex_destroy(&c->cutting);
    pthread_mutex_destroy(&c->lock);
    pace_free(c->pace);
    mem_free(c->threads);
    mem_free(c);
}
