#include "cdc/audit/proof.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A message that was read. */
struct seen {
    uint64_t sequence;
    struct audit_hash hash; /* the chain behind it */
};

struct partition {
    struct seen *ring;      /* the newest ones; count 0: nothing yet, and the chain begins with zeros */
    uint64_t count;         /* ever; the n-th is ring[(n - 1) % remember] */
    struct audit_hash kept; /* behind the last message that the kept state counts */
    /* Of repetitions that began with a message that is forgotten: where the one that goes on has come to, and where
     * earlier ones have stopped. */
    bool going_over;
    struct seen at;
    struct seen *stopped;
    size_t nstopped, stopped_cap;
};

/* A process that is killed again and again at the same place. */
enum { STOPPED_MOST = 10000 };

struct audit_proof {
    char *stream;
    int32_t partitions;
    size_t remember;
    struct partition *partition;
    struct audit_proven proven;
    uint64_t kept_sequence;
    struct audit_hash *kept_heads; /* NULL: not known */
};

struct audit_proof *audit_proof_new(const char *stream, int32_t partitions, const struct audit_state *kept,
                                    size_t remember)
{
    struct audit_proof *p = mem_alloc(sizeof(*p));
    p->stream = mem_strdup(stream);
    p->partitions = partitions;
    p->remember = remember + 1; /* the one in front of a repetition is needed, too */
    p->partition = mem_array((size_t)partitions, sizeof(*p->partition));
    for (int32_t i = 0; i < partitions; i++)
        p->partition[i].ring = mem_array(p->remember, sizeof(struct seen));
    if (kept) {
        p->kept_sequence = kept->sequence;
        p->kept_heads = mem_array((size_t)partitions, sizeof(*p->kept_heads));
        memcpy(p->kept_heads, kept->heads, (size_t)partitions * sizeof(*p->kept_heads));
    }
    return p;
}

void audit_proof_free(struct audit_proof *p)
{
    if (!p)
        return;
    for (int32_t i = 0; i < p->partitions; i++) {
        mem_free(p->partition[i].ring);
        mem_free(p->partition[i].stopped);
    }
    mem_free(p->partition);
    mem_free(p->kept_heads);
    mem_free(p->stream);
    mem_free(p);
}

/* The n-th message of a partition, from 1 on; the 0th is the beginning of its chain. NULL: forgotten. */
static const struct seen *nth(const struct audit_proof *p, const struct partition *part, uint64_t n)
{
    static const struct seen beginning;
    if (n == 0)
        return &beginning;
    return n > part->count || part->count - n >= p->remember ? NULL : &part->ring[(n - 1) % p->remember];
}

static enum sc_result broken(struct sc_error *err, const struct audit_received *m, const char *what)
{
    error_set(err, SC_FAIL, "partition %" PRId32 ", offset %" PRId64 ": %s", m->partition, m->offset, what);
    return error_hint(err, "Up to here the topic is what was sent. From here on it is not, or it cannot be known.");
}

static bool number_of(const char *text, size_t len, uint64_t *out)
{
    uint64_t n = 0;
    if (!text || len == 0 || len > 19)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(text[i] - '0');
    }
    *out = n;
    return n > 0;
}

static void chain_on(struct audit_hash *head, uint64_t sequence, const struct audit_received *m)
{
    audit_chain(head, sequence, m->key ? m->key : "", m->key_len, m->value, m->value_len);
}

static const char another[] = "a message is repeated, and is another one than before";

/* The place in the ring of the first remembered message whose number is not less. */
static uint64_t find(const struct audit_proof *p, const struct partition *part, uint64_t sequence)
{
    uint64_t low = part->count >= p->remember ? part->count - p->remember + 1 : 1, high = part->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (nth(p, part, middle)->sequence < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void keep_stopped(struct partition *part)
{
    if (part->nstopped == part->stopped_cap) {
        part->stopped_cap = part->stopped_cap ? part->stopped_cap * 2 : 8;
        part->stopped = mem_resize(part->stopped, part->stopped_cap * sizeof(*part->stopped));
    }
    part->stopped[part->nstopped++] = part->at;
}

/* An earlier repetition that stopped here told the same hash, or not. */
static bool agrees(struct partition *part, uint64_t from, uint64_t sequence, const struct audit_hash *told)
{
    for (size_t i = 0; i < part->nstopped;) {
        const struct seen *s = &part->stopped[i];
        if (s->sequence > from && s->sequence < sequence)
            return false; /* it was there then, and is not now */
        if (s->sequence == sequence && !audit_hash_same(&s->hash, told))
            return false;
        if (s->sequence == sequence)
            part->stopped[i] = part->stopped[--part->nstopped];
        else
            i++;
    }
    return true;
}

/* From a message that is forgotten on: its hash is believed for now, and each of the next ones has to follow from the
 * one before. When they come to one that is remembered, and its hash is the same, so were all of them: another one
 * would have led to another hash. */
static enum sc_result goes_over(const struct audit_proof *p, struct partition *part, uint64_t sequence,
                                const struct audit_hash *told, const struct audit_received *m, struct sc_error *err)
{
    bool begins = !part->going_over || sequence <= part->at.sequence;
    if (begins && part->going_over && part->nstopped == STOPPED_MOST)
        return broken(err, m, "too many repetitions end before they can be compared");
    if (begins && part->going_over)
        keep_stopped(part);
    struct audit_hash head = part->at.hash;
    if (!begins) {
        chain_on(&head, sequence, m);
        if (!audit_hash_same(&head, told))
            return broken(err, m, another);
    }
    if (!agrees(part, begins ? sequence - 1 : part->at.sequence, sequence, told))
        return broken(err, m, another);
    const struct seen *was = nth(p, part, find(p, part, sequence));
    bool oldest_is_behind = was->sequence > sequence && !nth(p, part, find(p, part, sequence) - 1);
    if (was->sequence != sequence && !oldest_is_behind)
        return broken(err, m, "a message has a number that was passed over before");
    part->at = (struct seen){.sequence = sequence, .hash = *told};
    part->going_over = was->sequence != sequence;
    return part->going_over || audit_hash_same(told, &was->hash) ? SC_OK : broken(err, m, another);
}

/* Sent again: it must have been there, and the same. */
static enum sc_result repeated(const struct audit_proof *p, struct partition *part, uint64_t sequence,
                               const struct audit_hash *told, const struct audit_received *m, struct sc_error *err)
{
    uint64_t n = find(p, part, sequence);
    const struct seen *was = nth(p, part, n), *before = nth(p, part, n - 1);
    if (!before || part->going_over)
        return goes_over(p, part, sequence, told, m, err);
    if (was->sequence != sequence)
        return broken(err, m, "a message has a number that was passed over before");
    struct audit_hash head = before->hash;
    chain_on(&head, sequence, m);
    if (!audit_hash_same(&head, &was->hash) || !audit_hash_same(told, &was->hash))
        return broken(err, m, another);
    return SC_OK;
}

static enum sc_result follow(struct audit_proof *p, struct partition *part, uint64_t sequence,
                             const struct audit_hash *told, const struct audit_received *m, struct sc_error *err)
{
    if (part->going_over)
        return broken(err, m, "a new message stands in the middle of a repetition");
    struct audit_hash head = nth(p, part, part->count)->hash;
    chain_on(&head, sequence, m);
    if (!audit_hash_same(&head, told))
        return broken(err, m,
                      "a message does not follow from the one before it: something was changed, put in or taken "
                      "out");
    part->count++;
    part->ring[(part->count - 1) % p->remember] = (struct seen){.sequence = sequence, .hash = head};
    if (sequence <= p->kept_sequence)
        part->kept = head;
    p->proven.messages++;
    if (sequence > p->proven.last)
        p->proven.last = sequence;
    return SC_OK;
}

enum sc_result audit_proof_take(struct audit_proof *p, const struct audit_received *m, enum audit_verdict *verdict,
                                struct sc_error *err)
{
    if (!m->stream || m->stream_len != strlen(p->stream) || memcmp(m->stream, p->stream, m->stream_len) != 0) {
        *verdict = AUDIT_OTHER;
        p->proven.others++;
        return SC_OK;
    }
    uint64_t sequence;
    struct audit_hash told;
    if (m->partition < 0 || m->partition >= p->partitions)
        return broken(err, m, "the stream began with fewer partitions than this");
    if (!number_of(m->sequence, m->sequence_len, &sequence) || !m->hash ||
        !audit_hash_parse(m->hash, m->hash_len, &told))
        return broken(err, m, "a message of the stream lacks its sequence number or its hash");
    struct partition *part = &p->partition[m->partition];
    const struct seen *newest = nth(p, part, part->count);
    enum sc_result result;
    if (sequence <= newest->sequence) {
        *verdict = AUDIT_REPEAT;
        result = repeated(p, part, sequence, &told, m, err);
        p->proven.repeats += result == SC_OK;
    } else {
        *verdict = AUDIT_NEW;
        result = follow(p, part, sequence, &told, m, err);
    }
    return result;
}

enum sc_result audit_proof_end(const struct audit_proof *p, struct audit_proven *out, struct sc_error *err)
{
    *out = p->proven;
    for (int32_t i = 0; i < p->partitions && p->kept_heads; i++)
        if (!audit_hash_same(&p->partition[i].kept, &p->kept_heads[i])) {
            error_set(err, SC_FAIL, "partition %" PRId32 " lacks messages that were acknowledged, or has others", i);
            return error_hint(err, "Its end was cut off, or messages expired by the topic's retention.");
        }
    for (int32_t i = 0; i < p->partitions; i++)
        if (p->partition[i].going_over || p->partition[i].nstopped > 0) {
            error_set(err, SC_REFUSE,
                      "partition %" PRId32 " ends in a long repetition, which cannot be compared before it is whole",
                      i);
            return error_hint(err,
                              "The stream was killed in the middle of sending a large transaction again. Let it go "
                              "on, and check once more.");
        }
    /* Each number is in one partition, once. */
    if (p->proven.messages != p->proven.last)
        return error_set(err, SC_FAIL,
                         "of %" PRIu64 " messages %" PRIu64 " are there: the end of a partition is missing",
                         p->proven.last, p->proven.messages);
    return SC_OK;
}
