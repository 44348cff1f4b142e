/* The queue itself.
 *
 * Records are collected in the *current* block. When it is full it goes to the end of the queue: into memory while
 * nothing is on disk and the memory limit permits, else to disk. So whatever is in memory is older than whatever is on
 * disk, and the current block is the youngest: the consumer takes memory, then disk, then the current block, unfinished
 * as it may be, so that a change does not wait for those behind it.
 *
 * One mutex guards the state. Compressing, writing, reading and removing files are done outside of it, each by the one
 * side that owns it: the current block and the last segment's end are the producer's (`writing`), the first segment's
 * front is the consumer's. A block that the consumer took is its own, so most calls of spool_take() lock nothing. */
#include "cdc/spool.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cdc/spool_segment.h"

enum {
    IDLE_MS = 100,   /* between two calls of idle() */
    SPARES_KEPT = 4, /* blocks kept for reuse */
    LEN_BYTES = sizeof(uint32_t),
};

/* Records one after the other: length (machine order: it never leaves this process), bytes. */
struct block {
    struct block *next;
    char *data;
    size_t len, cap;
};

struct spool {
    struct spool_config config;
    struct spool *follower; /* gets what this one gets; not owned */
    bool expendable;        /* the follower */
    struct spool_files *files;
    uint64_t segment_limit;
    atomic_bool stopped;
    atomic_uint_fast64_t put, taken;

    pthread_mutex_t mutex;
    pthread_cond_t more, room; /* for the consumer, for the producer */
    bool consumer_waits, producer_waits;

    /* Guarded by the mutex, but while `writing` the current block, the last segment's end are the producer's. */
    struct block *first, *last; /* in memory */
    size_t memory_len, memory_cap;
    struct block *current;
    bool writing;
    struct segment *first_segment, *last_segment;
    uint64_t disk_blocks, disk_waiting, disk_raw, disk_used, spilled;
    struct block *spares;
    size_t nspares;
    size_t largest; /* block ever written */
    bool failed;    /* the producer's side is over; the consumer gets `failure` at the end */
    struct sc_error failure;
    bool unreadable; /* `lost` says what cannot be read back */
    struct sc_error lost;

    /* The consumer's alone. */
    struct block *reading;
    size_t read_at;
    bool read_failed;
    struct sc_error read_failure;
};

static enum sc_result stopped(struct sc_error *err)
{
    return error_set(err, SC_STOP, "the spool was stopped");
}

static enum sc_result hand_on(const struct sc_error *failure, struct sc_error *err)
{
    if (err && err != failure)
        *err = *failure;
    return failure->result;
}

/* ---- blocks ---- */

static struct block *block_new(size_t cap)
{
    struct block *b = mem_alloc(sizeof(*b));
    b->data = mem_resize(NULL, cap);
    b->cap = cap;
    return b;
}

static void block_free(struct block *b)
{
    if (!b)
        return;
    mem_free(b->data);
    mem_free(b);
}

/* With the mutex held. */
static struct block *take_spare(struct spool *s)
{
    struct block *b = s->spares;
    if (b) {
        s->spares = b->next;
        s->nspares--;
        b->next = NULL;
        b->len = 0;
    }
    return b;
}

/* With the mutex held. Blocks of an outsized record are not kept. */
static void give_back(struct spool *s, struct block *b)
{
    if (b && b->cap == s->config.block_bytes && s->nspares < SPARES_KEPT) {
        b->next = s->spares;
        s->spares = b;
        s->nspares++;
    } else {
        block_free(b);
    }
}

/* ---- opening, closing, telling ---- */

enum sc_result spool_open(const struct spool_config *config, struct spool **out, struct sc_error *err)
{
    assert(config->block_bytes > LEN_BYTES && config->segment_bytes > 0 && config->record_bytes > 0);
    *out = NULL;
    struct spool_files *files;
    enum sc_result result = spool_files_open(config->directory, config->lock_wait_ms, &files, err);
    if (result != SC_OK)
        return result;
    struct spool *s = mem_alloc(sizeof(*s));
    s->config = *config;
    s->config.directory = NULL; /* the caller's; the files know it */
    if (s->config.record_bytes > UINT32_MAX)
        s->config.record_bytes = UINT32_MAX;
    s->files = files;
    /* Room comes back a segment at a time: with a limit, let there be several. */
    s->segment_limit = config->segment_bytes;
    if (config->disk_bytes && s->segment_limit > config->disk_bytes / 4)
        s->segment_limit = config->disk_bytes / 4;
    pthread_mutex_init(&s->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->more, &monotonic);
    pthread_cond_init(&s->room, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *out = s;
    return SC_OK;
}

void spool_close(struct spool *s)
{
    if (!s)
        return;
    for (struct block *b = s->first, *next; b; b = next) {
        next = b->next;
        block_free(b);
    }
    for (struct block *b = s->spares, *next; b; b = next) {
        next = b->next;
        block_free(b);
    }
    block_free(s->current);
    block_free(s->reading);
    for (struct segment *g = s->first_segment, *next; g; g = next) {
        next = g->next;
        segment_delete(s->files, g);
    }
    spool_files_close(s->files);
    pthread_cond_destroy(&s->more);
    pthread_cond_destroy(&s->room);
    pthread_mutex_destroy(&s->mutex);
    mem_free(s);
}

/* With the mutex held. A failure of the queue has no next try of the same call, and is not a wish to stop. */
static void set_failure(struct spool *s, const struct sc_error *err)
{
    if (s->failed)
        return;
    if (atomic_load(&s->taken) < atomic_load(&s->put))
        log_warn("%s", err->what);
    s->failed = true;
    s->failure = *err;
    if (err->result == SC_OK || err->result == SC_RETRY || err->result == SC_STOP)
        s->failure.result = SC_FAIL;
    pthread_cond_broadcast(&s->more);
}

static void fail(struct spool *s, const struct sc_error *err)
{
    pthread_mutex_lock(&s->mutex);
    set_failure(s, err);
    pthread_mutex_unlock(&s->mutex);
}

void spool_fail(struct spool *s, const struct sc_error *err)
{
    fail(s, err);
    if (s->follower)
        fail(s->follower, err);
}

enum sc_result spool_failure(struct spool *s, struct sc_error *err)
{
    pthread_mutex_lock(&s->mutex);
    enum sc_result result = s->failed ? hand_on(&s->failure, err) : SC_OK;
    pthread_mutex_unlock(&s->mutex);
    return result;
}

enum sc_result spool_unreadable(struct spool *s, struct sc_error *err)
{
    pthread_mutex_lock(&s->mutex);
    enum sc_result result = s->unreadable ? hand_on(&s->lost, err) : SC_OK;
    pthread_mutex_unlock(&s->mutex);
    return result;
}

void spool_stop(struct spool *s)
{
    pthread_mutex_lock(&s->mutex);
    atomic_store(&s->stopped, true);
    pthread_cond_broadcast(&s->more);
    pthread_cond_broadcast(&s->room);
    pthread_mutex_unlock(&s->mutex);
}

void spool_stats(struct spool *s, struct spool_stats *out)
{
    pthread_mutex_lock(&s->mutex);
    *out = (struct spool_stats){
        .put = atomic_load(&s->put),
        .taken = atomic_load(&s->taken),
        .memory_bytes = s->memory_len + (s->current ? s->current->len : 0),
        .disk_bytes = s->disk_waiting,
        .disk_raw_bytes = s->disk_raw,
        .spilled_bytes = s->spilled,
    };
    pthread_mutex_unlock(&s->mutex);
}

/* Waits with the mutex held, until woken or `ms` have passed. */
static void wait_ms(struct spool *s, pthread_cond_t *cond, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + ms % 1000 * 1000000;
    until.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_cond_timedwait(cond, &s->mutex, &until);
}

/* ---- producer ---- */

/* With the mutex held. */
static void wake_consumer(struct spool *s)
{
    if (s->consumer_waits) {
        s->consumer_waits = false; /* one signal is enough, however many records follow before it runs */
        pthread_cond_signal(&s->more);
    }
}

/* Writes the current block to disk. Called and returns with the mutex held; released meanwhile. On failure the block
 * stays where it is, so that the consumer still gets every record that was accepted. */
static enum sc_result spill(struct spool *s, struct sc_error *err)
{
    struct block *b = s->current;
    struct segment *g = s->last_segment && s->last_segment->write_fd >= 0 ? s->last_segment : NULL;
    bool fresh = !g;
    uint64_t stored = 0;
    s->writing = true;
    pthread_mutex_unlock(&s->mutex);

    enum sc_result result = fresh ? segment_new(s->files, &g, err) : SC_OK;
    if (result == SC_OK)
        result = segment_write(s->files, g, b->data, b->len, &stored, err);
    if (result != SC_OK && fresh && g)
        segment_delete(s->files, g);

    pthread_mutex_lock(&s->mutex);
    s->writing = false;
    if (result != SC_OK)
        return result;
    if (fresh) {
        if (s->last_segment)
            s->last_segment->next = g;
        else
            s->first_segment = g;
        s->last_segment = g;
    }
    g->written += stored;
    g->blocks++;
    s->disk_blocks++;
    s->disk_waiting += stored;
    s->disk_used += stored;
    s->disk_raw += b->len;
    s->spilled += stored;
    if (b->len > s->largest)
        s->largest = b->len;
    if (g->written >= s->segment_limit)
        segment_seal(g);
    s->current = NULL;
    give_back(s, b);
    wake_consumer(s);
    return SC_OK;
}

static bool fits_in_memory(const struct spool *s)
{
    return s->disk_blocks == 0 && s->memory_cap + s->current->cap <= s->config.memory_bytes;
}

/* With nothing on disk one block is always taken: a limit smaller than a block must not stand still. */
static bool fits_on_disk(const struct spool *s)
{
    return s->config.disk_bytes == 0 || s->disk_used == 0 ||
           s->disk_used + segment_block_bound(s->current->len) <= s->config.disk_bytes;
}

static void keep_in_memory(struct spool *s)
{
    struct block *b = s->current;
    s->current = NULL;
    s->memory_len += b->len;
    s->memory_cap += b->cap;
    if (s->last)
        s->last->next = b;
    else
        s->first = b;
    s->last = b;
    wake_consumer(s);
}

/* Makes the current block one that takes `need` more bytes. Called and returns with the mutex held. */
static enum sc_result make_room(struct spool *s, size_t need, bool wait, void (*idle)(void *arg), void *arg,
                                struct sc_error *err)
{
    int64_t idle_at = clock_us() + IDLE_MS * 1000;
    while (s->current && s->current->cap - s->current->len < need) {
        if (atomic_load(&s->stopped))
            return stopped(err);
        if (fits_in_memory(s)) {
            keep_in_memory(s);
        } else if (fits_on_disk(s)) {
            enum sc_result result = spill(s, err);
            if (result != SC_OK)
                return result;
        } else if (!wait) {
            return error_set(err, SC_RETRY, "the queue's room on disk, %" PRIu64 " bytes, is used up",
                             s->config.disk_bytes);
        } else {
            int64_t now = clock_us();
            if (now < idle_at) {
                s->producer_waits = true;
                wait_ms(s, &s->room, (idle_at - now + 999) / 1000);
                s->producer_waits = false;
                continue;
            }
            idle_at = now + IDLE_MS * 1000;
            if (idle) {
                pthread_mutex_unlock(&s->mutex);
                idle(arg);
                pthread_mutex_lock(&s->mutex);
            }
        }
    }
    if (!s->current && need <= s->config.block_bytes)
        s->current = take_spare(s);
    if (!s->current)
        s->current = block_new(need > s->config.block_bytes ? need : s->config.block_bytes);
    return SC_OK;
}

static enum sc_result too_large(const struct spool *s, size_t len, struct sc_error *err)
{
    error_set(err, SC_FAIL, "a change of %zu bytes is larger than the limit of %zu", len, s->config.record_bytes);
    return error_hint(err, "The source is untouched and nothing is lost: rows as large as this are not supported.");
}

static enum sc_result put(struct spool *s, const void *record, size_t len, bool wait, void (*idle)(void *arg),
                          void *arg, struct sc_error *err)
{
    struct sc_error unasked;
    if (!err)
        err = &unasked;
    pthread_mutex_lock(&s->mutex);
    enum sc_result result = SC_OK;
    if (atomic_load(&s->stopped))
        result = stopped(err);
    else if (s->failed)
        result = hand_on(&s->failure, err);
    else if (len > s->config.record_bytes)
        result = too_large(s, len, err);
    else
        result = make_room(s, LEN_BYTES + len, wait, idle, arg, err);
    if (result == SC_OK) {
        struct block *b = s->current;
        uint32_t head = (uint32_t)len;
        memcpy(b->data + b->len, &head, LEN_BYTES);
        if (len)
            memcpy(b->data + b->len + LEN_BYTES, record, len);
        b->len += LEN_BYTES + len;
        atomic_fetch_add_explicit(&s->put, 1, memory_order_relaxed);
        wake_consumer(s);
    } else if (result != SC_STOP) {
        set_failure(s, err);
    }
    pthread_mutex_unlock(&s->mutex);
    return result;
}

enum sc_result spool_put(struct spool *s, const void *record, size_t len, void (*idle)(void *arg), void *arg,
                         struct sc_error *err)
{
    enum sc_result result = put(s, record, len, true, idle, arg, err);
    if (result != SC_OK || !s->follower)
        return result;
    struct sc_error its_own;
    if (!s->expendable)
        return put(s->follower, record, len, true, idle, arg, err);
    (void)put(s->follower, record, len, false, NULL, NULL, &its_own);
    return SC_OK;
}

void spool_follow(struct spool *s, struct spool *follower, bool expendable)
{
    s->follower = follower;
    s->expendable = expendable;
}

/* ---- consumer ---- */

static char *grow_block(void *arg, size_t len)
{
    struct block *b = arg;
    if (b->cap < len) {
        mem_free(b->data);
        b->data = mem_resize(NULL, len);
        b->cap = len;
    }
    b->len = len;
    return b->data;
}

/* With the mutex held. */
static void wake_producer(struct spool *s)
{
    if (s->producer_waits)
        pthread_cond_signal(&s->room);
}

/* Reads the oldest block on disk. Called and returns with the mutex held; released meanwhile. Segments read to their
 * end go, and so does the last one when nothing is left in it: what comes next may stay in memory. */
static enum sc_result take_from_disk(struct spool *s, struct block **out, struct sc_error *err)
{
    struct segment *g = s->first_segment;
    uint64_t end = g->written, stored = 0;
    size_t max = s->largest;
    struct block *b = take_spare(s);
    pthread_mutex_unlock(&s->mutex);
    if (!b)
        b = block_new(s->config.block_bytes);
    enum sc_result result = segment_read(s->files, g, end, max, grow_block, b, &stored, err);
    pthread_mutex_lock(&s->mutex);
    if (result != SC_OK) {
        s->unreadable = true;
        s->lost = *err;
        s->lost.result = SC_RETRY;
        give_back(s, b);
        return result;
    }
    g->blocks--;
    s->disk_blocks--;
    s->disk_waiting -= stored;
    s->disk_raw -= b->len;
    *out = b;
    if (g->blocks > 0 || (g == s->last_segment && g->write_fd >= 0 && s->writing))
        return SC_OK;
    s->first_segment = g->next;
    if (s->last_segment == g)
        s->last_segment = NULL;
    uint64_t freed = g->written;
    pthread_mutex_unlock(&s->mutex);
    segment_delete(s->files, g);
    pthread_mutex_lock(&s->mutex);
    s->disk_used -= freed;
    wake_producer(s);
    return SC_OK;
}

/* The next block, oldest first. Called and returns with the mutex held. SC_RETRY: there is none. */
static enum sc_result next_block(struct spool *s, struct block **out, struct sc_error *err)
{
    if (s->first) {
        struct block *b = s->first;
        s->first = b->next;
        if (!s->first)
            s->last = NULL;
        b->next = NULL;
        s->memory_len -= b->len;
        s->memory_cap -= b->cap;
        *out = b;
        return SC_OK;
    }
    if (s->disk_blocks > 0)
        return take_from_disk(s, out, err);
    if (s->current && s->current->len > 0 && !s->writing) {
        *out = s->current;
        s->current = NULL;
        wake_producer(s);
        return SC_OK;
    }
    return SC_RETRY;
}

static enum sc_result refill(struct spool *s, int timeout_ms, struct sc_error *err)
{
    int64_t until = clock_us() + (int64_t)timeout_ms * 1000;
    pthread_mutex_lock(&s->mutex);
    give_back(s, s->reading);
    s->reading = NULL;
    s->read_at = 0;
    enum sc_result result;
    for (;;) {
        if (atomic_load(&s->stopped)) {
            result = stopped(err);
            break;
        }
        result = next_block(s, &s->reading, err);
        if (result != SC_RETRY)
            break;
        if (s->failed) {
            result = hand_on(&s->failure, err);
            break;
        }
        int64_t now = clock_us();
        if (now >= until) {
            error_set(err, SC_RETRY, "no change came within %d ms", timeout_ms);
            break;
        }
        s->consumer_waits = true;
        wait_ms(s, &s->more, (until - now + 999) / 1000);
        s->consumer_waits = false;
    }
    pthread_mutex_unlock(&s->mutex);
    return result;
}

enum sc_result spool_take(struct spool *s, const void **record, size_t *len, int timeout_ms, struct sc_error *err)
{
    *record = NULL;
    *len = 0;
    if (atomic_load_explicit(&s->stopped, memory_order_relaxed))
        return stopped(err);
    if (s->read_failed)
        return hand_on(&s->read_failure, err);
    if (!s->reading || s->read_at == s->reading->len) {
        struct sc_error failure;
        enum sc_result result = refill(s, timeout_ms, &failure);
        if (result != SC_OK) {
            if (result != SC_RETRY && result != SC_STOP) {
                s->read_failed = true;
                s->read_failure = failure;
            }
            return hand_on(&failure, err);
        }
    }
    struct block *b = s->reading;
    uint32_t head;
    assert(b->len - s->read_at >= LEN_BYTES);
    memcpy(&head, b->data + s->read_at, LEN_BYTES);
    assert(head <= b->len - s->read_at - LEN_BYTES);
    *record = b->data + s->read_at + LEN_BYTES;
    *len = head;
    s->read_at += LEN_BYTES + head;
    atomic_fetch_add_explicit(&s->taken, 1, memory_order_relaxed);
    return SC_OK;
}
