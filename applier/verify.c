#include "applier/verify.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/plant.h"

/* Of one chunk at a time. Where more differ the chunk is looked at again once these are settled. */
#define SUSPECTS_OF_CHUNK 2000
/* The walk waits while there are more: memory is bounded. */
#define SUSPECTS_MOST 20000
#define KEYS_AT_ONCE 100
#define KEYS_NAMED 5
#define KEY_SHOWN 60
/* A row that is another one each time is looked at so many times as often as one that stays as it is. */
#define LOOKS_AT_CHANGING 10

/* A chunk in which rows differed. */
struct looked {
    struct chunk chunk;
    uint64_t rows;
    size_t open;                  /* suspects */
    bool more;                    /* there were more than were taken */
    uint64_t found[VERIFY_KINDS]; /* of its rows */
    struct looked *next;
};

struct suspect {
    struct key *key;
    struct looked *of;
    struct row_pair pair; /* as last seen */
    int steady;           /* so often in a row it looked just so */
    int looks;            /* it was looked at again so often */
    bool settled;         /* the same */
    bool found;           /* different, and counted */
    struct suspect *next;
};

struct verify {
    struct verify_config config;
    struct walk *walk;
    pthread_mutex_t lock; /* guards what follows */
    struct suspect *suspects;
    struct looked *looked;
    uint64_t count, again;
    uint64_t found[VERIFY_KINDS];
    struct verify_row named[VERIFY_ROWS_NAMED];
    size_t nnamed;
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

/* Where the copy cut the table, it is cut again: looking for bounds reads the key once more, and the workers wait. */
static enum sc_result load_copied(void *arg, struct session *session, struct chunk **chunks, size_t *count,
                                  struct sc_error *err)
{
    struct verify *v = arg;
    return v->config.ops->chunks_load(session, chunks, count, err);
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
    struct compared compared = {0};
    enum sc_result result = ops->compare_chunk(session, &of->chunk, &compared, err);
    of->rows = compared.rows;
    *clean = compared.same || PLANTED(V1_VACUOUS_PASS);
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
    l->chunk = (struct chunk){.number = chunk->number, .after = key_copy(chunk->after), .upto = key_copy(chunk->upto)};
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
                               .load_known = config->recorded ? load_copied : NULL,
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

static void add_key_text(struct buf *b, const struct key *key)
{
    buf_str(b, "(");
    for (int k = 0; k < key->count; k++) {
        size_t len = strlen(key->values[k]);
        buf_printf(b, "%s%.*s%s", k ? ", " : "", KEY_SHOWN, key->values[k], len > KEY_SHOWN ? "..." : "");
    }
    buf_str(b, ")");
}

static bool same_hashes(const struct row_pair *p)
{
    return strcmp(p->source, p->ghost) == 0;
}

static enum verify_kind kind_of(const struct suspect *s)
{
    return !s->pair.ghost[0] ? VERIFY_MISSING : !s->pair.source[0] ? VERIFY_EXTRA : VERIFY_DIFFERS;
}

/* Under v->lock. Has it been looked at often enough to say what it is? */
static void judge(struct verify *v, struct suspect *s)
{
    s->looks++;
    if (v->config.looks == 0 || s->settled)
        return;
    bool stays = s->steady >= v->config.looks - 1;
    if (!stays && s->looks < v->config.looks * LOOKS_AT_CHANGING)
        return;
    enum verify_kind kind = stays ? kind_of(s) : VERIFY_CHANGES;
    s->found = true;
    s->of->found[kind]++;
    v->found[kind]++;
    if (v->nnamed < VERIFY_ROWS_NAMED) {
        struct verify_row *row = &v->named[v->nnamed++];
        struct buf text = {0};
        add_key_text(&text, s->key);
        row->kind = kind;
        snprintf(row->key, sizeof(row->key), "%s", buf_cstr(&text));
        buf_fini(&text);
    }
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
        judge(v, s);
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
        if (!s->settled && !s->found) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        s->of->open--;
        v->count--;
        v->again += s->settled;
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

static bool any_found(const uint64_t found[static VERIFY_KINDS])
{
    uint64_t sum = 0;
    for (int i = 0; i < VERIFY_KINDS; i++)
        sum += found[i];
    return sum > 0;
}

/* Of a chunk in which more rows differ than can be kept in mind, and some of them for good, the others are counted as
 * they are at this moment. */
static enum sc_result count_rest(struct verify *v, struct session *session, struct looked *l, struct sc_error *err)
{
    struct compared c = {0};
    enum sc_result result = v->config.ops->compare_chunk(session, &l->chunk, &c, err);
    if (result != SC_OK)
        return result;
    const uint64_t now[] = {[VERIFY_DIFFERS] = c.differ, [VERIFY_MISSING] = c.missing, [VERIFY_EXTRA] = c.extra};
    pthread_mutex_lock(&v->lock);
    for (size_t i = 0; i < sizeof(now) / sizeof(now[0]); i++)
        v->found[i] += now[i] > l->found[i] ? now[i] - l->found[i] : 0;
    pthread_mutex_unlock(&v->lock);
    return SC_OK;
}

/* Chunks whose suspects are all settled: recorded, or looked at once more. */
static enum sc_result finish_chunks(struct verify *v, struct session *session, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (struct looked *l; result == SC_OK && (l = take_finished(v)) != NULL;) {
        bool clean = !l->more, found = any_found(l->found);
        if (l->more && found) {
            result = count_rest(v, session, l, err);
            clean = result == SC_OK;
        } else if (l->more) {
            result = look_at(v, session, l, &clean, err);
        }
        if (result == SC_OK && clean && !found)
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
    memcpy(out->found, v->found, sizeof(out->found));
    for (const struct looked *l = v->looked; l; l = l->next)
        out->walked &= !l->more;
    pthread_mutex_unlock(&v->lock);
}

/* --- the verdict
 * ------------------------------------------------------------------------------------------------------ */

static const char *how(const struct suspect *s)
{
    static const char *const words[] = {
        [VERIFY_DIFFERS] = " differs", [VERIFY_MISSING] = " is missing", [VERIFY_EXTRA] = " should not be there"};
    return words[kind_of(s)];
}

size_t verify_rows_named(struct verify *v, struct verify_row out[static VERIFY_ROWS_NAMED])
{
    pthread_mutex_lock(&v->lock);
    size_t count = v->nnamed;
    memcpy(out, v->named, sizeof(v->named));
    pthread_mutex_unlock(&v->lock);
    return count;
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
