#include "applier/verify.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"

/* Of one chunk at a time. Where more differ the chunk is looked at again once these are settled. */
#define SUSPECTS_OF_CHUNK 2000
/* The walk waits while there are more: memory is bounded. */
#define SUSPECTS_MOST 20000
#define KEYS_AT_ONCE 100
#define KEYS_NAMED 5
#define KEY_SHOWN 60

/* A chunk in which rows differed. */
struct looked {
    struct chunk chunk;
    uint64_t rows;
    size_t open; /* suspects */
    bool more;   /* there were more than were taken */
    struct looked *next;
};

struct suspect {
    struct key *key;
    struct looked *of;
    struct row_pair pair; /* as last seen */
    int steady;           /* so often in a row it looked just so */
    bool settled;
    struct suspect *next;
};

struct verify {
    struct verify_config config;
    struct walk *walk;
    pthread_mutex_t lock; /* guards what follows */
    struct suspect *suspects;
    struct looked *looked;
    uint64_t count, again;
    struct walk_stats walked; /* when the walk has ended */
};

static void free_looked(struct looked *l)
{
    key_free(l->chunk.after);
    key_free(l->chunk.upto);
    mem_free(l);
}

/* --- the walk
 * --------------------------------------------------------------------------------------------------------- */

static enum sc_result load(void *arg, struct session *session, struct chunk **chunks, size_t *count,
                           struct sc_error *err)
{
    struct verify *v = arg;
    *chunks = NULL;
    *count = 0;
    return v->config.recorded ? v->config.ops->verified_load(session, chunks, count, err) : SC_OK;
}

static enum sc_result store(struct verify *v, struct session *session, const struct chunk *chunk, uint64_t rows,
                            struct sc_error *err)
{
    enum sc_result result = SC_OK;
    FAILPOINT(result, verify_chunk_compared, err);
    if (result == SC_OK && v->config.recorded)
        result = v->config.ops->verified_store(session, chunk, rows, err);
    FAILPOINT(result, verify_chunk_recorded, err);
    return result;
}

/* Under v->lock. */
static void suspect_keys(struct verify *v, struct looked *of, struct key **keys, size_t count)
{
    of->open = count;
    of->more = count == SUSPECTS_OF_CHUNK;
    for (size_t i = 0; i < count; i++) {
        struct suspect *s = mem_alloc(sizeof(*s));
        s->key = keys[i];
        s->of = of;
        s->next = v->suspects;
        v->suspects = s;
    }
    v->count += count;
}

/* *clean: each of its rows was seen the same; else its suspects are v's. */
static enum sc_result look_at(struct verify *v, struct session *session, struct looked *of, bool *clean,
                              struct sc_error *err)
{
    const struct target_ops *ops = v->config.ops;
    struct key **keys = NULL;
    size_t count = 0;
    enum sc_result result = ops->compare_chunk(session, &of->chunk, &of->rows, clean, err);
    if (result != SC_OK || *clean)
        return result;
    result = ops->compare_rows(session, &of->chunk, SUSPECTS_OF_CHUNK, &keys, &count, err);
    if (result != SC_OK) /* what is known of the chunk stays: it has not been looked at */
        return result;
    *clean = count == 0;
    pthread_mutex_lock(&v->lock);
    suspect_keys(v, of, keys, count);
    pthread_mutex_unlock(&v->lock);
    mem_free(keys);
    return result;
}

static uint64_t suspects(struct verify *v)
{
    pthread_mutex_lock(&v->lock);
    uint64_t count = v->count;
    pthread_mutex_unlock(&v->lock);
    return count;
}

static enum sc_result step(void *arg, struct walk *walk, struct session *session, const struct chunk *chunk,
                           uint64_t *rows, struct sc_error *err)
{
    struct verify *v = arg;
    while (suspects(v) > SUSPECTS_MOST) {
        if (walk_is_stopping(walk))
            return SC_STOP;
        clock_sleep_ms(50);
    }
    struct looked *l = mem_alloc(sizeof(*l));
    l->chunk = (struct chunk){chunk->number, key_copy(chunk->after), key_copy(chunk->upto)};
    bool clean = false;
    enum sc_result result = look_at(v, session, l, &clean, err);
    if (result == SC_OK && clean)
        result = store(v, session, &l->chunk, l->rows, err);
    if (result == SC_OK)
        *rows = l->rows;
    if (result != SC_OK || clean) {
        free_looked(l);
        return result;
    }
    pthread_mutex_lock(&v->lock);
    l->next = v->looked;
    v->looked = l;
    pthread_mutex_unlock(&v->lock);
    return SC_OK;
}

enum sc_result verify_start(const struct verify_config *config, struct verify **out, struct sc_error *err)
{
    *out = NULL;
    struct session *session = NULL;
    bool ordered = false;
    enum sc_result result = config->ops->session_open(config->target, "verify", &session, err);
    if (result == SC_OK)
        result = config->ops->compare_ordered(session, &ordered, err);
    config->ops->session_close(session);
    if (result != SC_OK)
        return result;
    struct verify *v = mem_alloc(sizeof(*v));
    v->config = *config;
    pthread_mutex_init(&v->lock, NULL);
    struct walk_config walk = {.ops = config->ops,
                               .target = config->target,
                               .role = "verify",
                               .workers = ordered ? config->workers : 1,
                               .whole = !ordered,
                               .chunk_time_ms = config->chunk_time_ms,
                               .give_up_ms = config->give_up_ms,
                               .load = load,
                               .step = step,
                               .arg = v};
    result = walk_start(&walk, &v->walk, err);
    if (result == SC_OK)
        *out = v;
    else
        verify_stop(v);
    return result;
}

enum sc_result verify_wait(struct verify *v, int timeout_ms, bool *running, struct sc_error *err)
{
    return walk_wait(v->walk, timeout_ms, running, err);
}

void verify_end_walk(struct verify *v)
{
    if (!v->walk)
        return;
    struct walk_stats stats;
    walk_stats(v->walk, &stats);
    pthread_mutex_lock(&v->lock);
    v->walked = stats;
    pthread_mutex_unlock(&v->lock);
    walk_stop(v->walk);
    v->walk = NULL;
}

/* --- suspects
 * --------------------------------------------------------------------------------------------------------- */

static bool same_hashes(const struct row_pair *p)
{
    return strcmp(p->source, p->ghost) == 0;
}

/* Only the thread that calls verify_again() takes suspects out, so those it has at hand stay. */
static enum sc_result look_again(struct verify *v, struct session *session, struct suspect **batch, size_t count,
                                 struct sc_error *err)
{
    struct key *keys[KEYS_AT_ONCE] = {0};
    struct row_pair pairs[KEYS_AT_ONCE];
    for (size_t i = 0; i < count; i++)
        keys[i] = batch[i]->key;
    enum sc_result result = v->config.ops->compare_keys(session, keys, count, pairs, err);
    pthread_mutex_lock(&v->lock);
    for (size_t i = 0; result == SC_OK && i < count; i++) {
        struct suspect *s = batch[i];
        bool unchanged = strcmp(pairs[i].source, s->pair.source) == 0 && strcmp(pairs[i].ghost, s->pair.ghost) == 0;
        s->steady = unchanged ? s->steady + 1 : 0;
        s->pair = pairs[i];
        s->settled = same_hashes(&pairs[i]);
    }
    pthread_mutex_unlock(&v->lock);
    return result;
}

/* Under v->lock. */
static void drop_settled(struct verify *v)
{
    struct suspect **at = &v->suspects;
    while (*at) {
        struct suspect *s = *at;
        if (!s->settled) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        s->of->open--;
        v->count--;
        v->again++;
        key_free(s->key);
        mem_free(s);
    }
}

static struct looked *take_finished(struct verify *v)
{
    struct looked *found = NULL;
    pthread_mutex_lock(&v->lock);
    for (struct looked **at = &v->looked; *at && !found; at = *at ? &(*at)->next : at) {
        if ((*at)->open == 0) {
            found = *at;
            *at = found->next;
            break;
        }
    }
    pthread_mutex_unlock(&v->lock);
    return found;
}

/* Chunks whose suspects are all settled: recorded, or looked at once more. */
static enum sc_result finish_chunks(struct verify *v, struct session *session, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (struct looked *l; result == SC_OK && (l = take_finished(v)) != NULL;) {
        bool clean = !l->more;
        if (l->more)
            result = look_at(v, session, l, &clean, err);
        if (result == SC_OK && clean)
            result = store(v, session, &l->chunk, l->rows, err);
        if (result == SC_OK && clean) {
            free_looked(l);
            continue;
        }
        pthread_mutex_lock(&v->lock);
        l->next = v->looked;
        v->looked = l;
        pthread_mutex_unlock(&v->lock);
    }
    return result;
}

enum sc_result verify_again(struct verify *v, struct session *session, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    pthread_mutex_lock(&v->lock);
    struct suspect *s = v->suspects;
    pthread_mutex_unlock(&v->lock);
    while (s && result == SC_OK) {
        struct suspect *batch[KEYS_AT_ONCE];
        size_t count = 0;
        /* New ones come at the head; the rest of the list only changes below. */
        for (; s && count < KEYS_AT_ONCE; s = s->next)
            batch[count++] = s;
        result = look_again(v, session, batch, count, err);
    }
    pthread_mutex_lock(&v->lock);
    drop_settled(v);
    pthread_mutex_unlock(&v->lock);
    return result == SC_OK ? finish_chunks(v, session, err) : result;
}

void verify_stats(struct verify *v, struct verify_stats *out)
{
    struct walk_stats walked;
    if (v->walk)
        walk_stats(v->walk, &walked);
    pthread_mutex_lock(&v->lock);
    if (!v->walk)
        walked = v->walked;
    *out = (struct verify_stats){.rows = walked.rows, .suspects = v->count, .again = v->again, .walked = walked.done};
    for (const struct suspect *s = v->suspects; s; s = s->next)
        out->steady += s->steady >= VERIFY_STEADY;
    for (const struct looked *l = v->looked; l; l = l->next)
        out->walked &= !l->more;
    pthread_mutex_unlock(&v->lock);
}

/* --- the verdict
 * ------------------------------------------------------------------------------------------------------ */

static void add_key_text(struct buf *b, const struct key *key)
{
    buf_str(b, "(");
    for (int k = 0; k < key->count; k++) {
        size_t len = strlen(key->values[k]);
        buf_printf(b, "%s%.*s%s", k ? ", " : "", KEY_SHOWN, key->values[k], len > KEY_SHOWN ? "..." : "");
    }
    buf_str(b, ")");
}

static const char *how(const struct suspect *s)
{
    return !s->pair.ghost[0] ? " is missing" : !s->pair.source[0] ? " should not be there" : " differs";
}

enum sc_result verify_differs(struct verify *v, struct sc_error *err)
{
    struct buf keys = {0};
    uint64_t count = 0;
    pthread_mutex_lock(&v->lock);
    for (const struct suspect *s = v->suspects; s; s = s->next) {
        if (count < KEYS_NAMED) {
            buf_str(&keys, count ? ", " : "");
            add_key_text(&keys, s->key);
            buf_str(&keys, how(s));
        }
        count++;
    }
    pthread_mutex_unlock(&v->lock);
    error_set(err, SC_FAIL, "the new table is not what the source is, in %llu rows or more. By their keys: %s%s",
              (unsigned long long)count, buf_cstr(&keys), count > KEYS_NAMED ? " ..." : "");
    buf_fini(&keys);
    return SC_FAIL;
}

enum sc_result verify_under_lock(struct verify *v, struct session *session, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    struct suspect *s = v->suspects;
    while (s && result == SC_OK) {
        struct suspect *batch[KEYS_AT_ONCE];
        size_t count = 0;
        for (; s && count < KEYS_AT_ONCE; s = s->next)
            batch[count++] = s;
        result = look_again(v, session, batch, count, err);
    }
    bool differs = false;
    for (s = v->suspects; s && result == SC_OK; s = s->next)
        differs |= !s->settled;
    pthread_mutex_lock(&v->lock);
    drop_settled(v);
    pthread_mutex_unlock(&v->lock);
    return differs ? verify_differs(v, err) : result;
}

void verify_stop(struct verify *v)
{
    if (!v)
        return;
    walk_stop(v->walk);
    while (v->suspects) {
        struct suspect *s = v->suspects;
        v->suspects = s->next;
        key_free(s->key);
        mem_free(s);
    }
    while (v->looked) {
        struct looked *l = v->looked;
        v->looked = l->next;
        free_looked(l);
    }
    pthread_mutex_destroy(&v->lock);
    mem_free(v);
}
