#include "cdc/audit/fold.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cdc/audit/envelope.h"

enum { HASH_BYTES = 16, FIRST_SLOTS = 1024, FEWEST_SLOTS = 16 };

enum state { EMPTY, PRESENT, PARTIAL, REMOVED };

/* One key. */
struct slot {
    uint8_t key[HASH_BYTES], row[HASH_BYTES];
    int64_t offset; /* of its last message */
    int32_t partition;
    uint32_t emptied : 28; /* how many TRUNCATEs its partition had seen then */
    uint32_t state : 3;    /* enum state */
    uint32_t met : 1;      /* the table has it */
};
#define EMPTIED_MASK 0xfffffffu

struct audit_fold {
    EVP_MD_CTX *hashing;
    struct audit_slice slice;
    struct slot *slots; /* a power of two of them, at most three quarters taken; linear probing */
    size_t count, taken, most;
    uint32_t *emptied; /* of each partition */
    int32_t partitions;
    bool full, snapshot;
    struct audit_folded folded;
};

struct audit_fold *audit_fold_new(int32_t partitions, size_t memory_bytes, struct audit_slice slice)
{
    assert(partitions > 0 && slice.bits <= AUDIT_SLICE_BITS);
    struct audit_fold *f = mem_alloc(sizeof(*f));
    f->hashing = EVP_MD_CTX_new();
    if (!f->hashing)
        abort(); /* only out of memory */
    f->slice = slice;
    f->partitions = partitions;
    f->emptied = mem_array((size_t)partitions, sizeof(*f->emptied));
    /* While it grows, the old slots are there, too. */
    for (f->most = FEWEST_SLOTS; f->most * 3 * sizeof(struct slot) <= memory_bytes;)
        f->most *= 2;
    f->count = f->most < FIRST_SLOTS ? f->most : FIRST_SLOTS;
    f->slots = mem_array(f->count, sizeof(*f->slots));
    return f;
}

void audit_fold_free(struct audit_fold *f)
{
    if (!f)
        return;
    EVP_MD_CTX_free(f->hashing);
    mem_free(f->emptied);
    mem_free(f->slots);
    mem_free(f);
}

bool audit_fold_full(const struct audit_fold *f)
{
    return f->full;
}

/* --- keys
 * ----------------------------------------------------------------------------------------------------------------- */

static void hash(const struct audit_fold *f, const void *data, size_t len, uint8_t out[HASH_BYTES])
{
    uint8_t whole[EVP_MAX_MD_SIZE];
    if (EVP_DigestInit_ex(f->hashing, EVP_sha256(), NULL) != 1 || EVP_DigestUpdate(f->hashing, data, len) != 1 ||
        EVP_DigestFinal_ex(f->hashing, whole, NULL) != 1)
        abort(); /* only out of memory */
    memcpy(out, whole, HASH_BYTES);
}

static uint64_t number_at(const uint8_t *bytes)
{
    uint64_t n = 0;
    for (int i = 0; i < 8; i++)
        n = n << 8 | bytes[i];
    return n;
}

static bool is_ours(const struct audit_fold *f, const uint8_t key[HASH_BYTES])
{
    return f->slice.bits == 0 || number_at(key) >> (64 - f->slice.bits) == f->slice.index;
}

/* The key's slot, or the empty one where it would be. The first half of the hash tells slices apart, the second one
 * slots. */
static struct slot *find(struct slot *slots, size_t count, const uint8_t key[HASH_BYTES])
{
    size_t i = (size_t)number_at(key + 8) & (count - 1);
    while (slots[i].state != EMPTY && memcmp(slots[i].key, key, HASH_BYTES) != 0)
        i = (i + 1) & (count - 1);
    return &slots[i];
}

static bool grow(struct audit_fold *f)
{
    if (f->count == f->most)
        return false;
    size_t count = f->count * 2;
    struct slot *slots = mem_array(count, sizeof(*slots));
    for (size_t i = 0; i < f->count; i++)
        if (f->slots[i].state != EMPTY)
            *find(slots, count, f->slots[i].key) = f->slots[i];
    mem_free(f->slots);
    f->slots = slots;
    f->count = count;
    return true;
}

/* NULL: no room. */
static struct slot *slot_for(struct audit_fold *f, const uint8_t key[HASH_BYTES])
{
    struct slot *slot = find(f->slots, f->count, key);
    if (slot->state != EMPTY)
        return slot;
    if ((f->taken + 1) * 4 > f->count * 3) {
        if (!grow(f))
            return NULL;
        slot = find(f->slots, f->count, key);
    }
    memcpy(slot->key, key, HASH_BYTES);
    f->taken++;
    return slot;
}

/* --- messages
 * ------------------------------------------------------------------------------------------------------------- */

static enum sc_result no_event(const struct audit_received *m, struct sc_error *err)
{
    return error_set(err, SC_FAIL,
                     "partition %" PRId32 ", offset %" PRId64 ": a message of the stream is no change event",
                     m->partition, m->offset);
}

static void put(struct audit_fold *f, const struct audit_received *m, const uint8_t key[HASH_BYTES],
                const struct audit_envelope *e)
{
    struct slot *slot = slot_for(f, key);
    if (!slot) {
        f->full = true;
        return;
    }
    slot->offset = m->offset;
    slot->partition = m->partition;
    slot->emptied = f->emptied[m->partition] & EMPTIED_MASK;
    slot->state = !e->after ? REMOVED : e->partial ? PARTIAL : PRESENT;
    if (e->after)
        hash(f, e->after, e->after_len, slot->row);
}

static enum sc_result take_row(struct audit_fold *f, const struct audit_received *m, const struct audit_envelope *e,
                               struct sc_error *err)
{
    const char *payload;
    size_t len;
    if ((e->op == AUDIT_DELETE) != !e->after || !audit_key_payload(m->key, m->key_len, e->with_schema, &payload, &len))
        return no_event(m, err);
    uint8_t key[HASH_BYTES];
    hash(f, payload, len, key);
    f->snapshot |= e->op == AUDIT_READ;
    if (!is_ours(f, key) || f->full)
        return SC_OK;
    f->folded.set += e->after != NULL;
    f->folded.removed += e->after == NULL;
    put(f, m, key, e);
    return SC_OK;
}

enum sc_result audit_fold_take(struct audit_fold *f, const struct audit_received *m, struct sc_error *err)
{
    struct audit_envelope e;
    if (m->partition < 0 || m->partition >= f->partitions)
        return no_event(m, err);
    if (!m->value) {
        f->folded.tombstones++;
        return SC_OK;
    }
    if (!audit_envelope_read(m->value, m->value_len, &e))
        return no_event(m, err);
    switch (e.op) {
    case AUDIT_CREATE:
    case AUDIT_UPDATE:
    case AUDIT_READ:
    case AUDIT_DELETE:
        return take_row(f, m, &e, err);
    case AUDIT_TRUNCATE: /* what the partition had is gone; slots know by its number that they are older */
        if (m->key || e.after)
            return no_event(m, err);
        f->emptied[m->partition]++;
        f->folded.truncated++;
        return SC_OK;
    default:
        return no_event(m, err);
    }
}

/* --- what it comes to
 * ----------------------------------------------------------------------------------------------------- */

/* As after the last message: EMPTY means that it went with a TRUNCATE. */
static enum state state_of(const struct audit_fold *f, const struct slot *slot)
{
    bool older = slot->emptied != (f->emptied[slot->partition] & EMPTIED_MASK);
    return slot->state == EMPTY || older ? EMPTY : (enum state)slot->state;
}

/* Who has a snapshot of it has seen every row; and so has who was there when there was none left. */
static bool is_whole(const struct audit_fold *f)
{
    bool whole = true;
    for (int32_t p = 0; p < f->partitions; p++)
        whole &= f->emptied[p] > 0;
    return whole || f->snapshot;
}

void audit_fold_result(const struct audit_fold *f, struct audit_folded *out)
{
    *out = f->folded;
    out->whole = is_whole(f);
    for (size_t i = 0; i < f->count; i++) {
        enum state state = state_of(f, &f->slots[i]);
        out->keys += state != EMPTY;
        out->rows += state == PRESENT || state == PARTIAL;
        out->partial += state == PARTIAL;
    }
}

enum audit_row audit_fold_compare(struct audit_fold *f, const void *key, size_t key_len, const void *row,
                                  size_t row_len, struct audit_place *place)
{
    uint8_t key_hash[HASH_BYTES], row_hash[HASH_BYTES];
    if (place)
        *place = (struct audit_place){.partition = -1, .offset = -1};
    hash(f, key, key_len, key_hash);
    if (!is_ours(f, key_hash))
        return AUDIT_ROW_ELSEWHERE;
    struct slot *slot = find(f->slots, f->count, key_hash);
    if (slot->state == EMPTY)
        return is_whole(f) ? AUDIT_ROW_NEVER : AUDIT_ROW_UNKNOWN;
    if (place)
        *place = (struct audit_place){.partition = slot->partition, .offset = slot->offset};
    slot->met = 1;
    switch (state_of(f, slot)) {
    case EMPTY:
    case REMOVED:
        return AUDIT_ROW_REMOVED;
    case PARTIAL:
        return AUDIT_ROW_PARTIAL;
    case PRESENT:
        break;
    }
    hash(f, row, row_len, row_hash);
    return memcmp(slot->row, row_hash, HASH_BYTES) == 0 ? AUDIT_ROW_SAME : AUDIT_ROW_DIFFERENT;
}

void audit_fold_rest(const struct audit_fold *f, void (*missing)(void *arg, const struct audit_place *place), void *arg)
{
    for (size_t i = 0; i < f->count; i++) {
        enum state state = state_of(f, &f->slots[i]);
        if (f->slots[i].met || (state != PRESENT && state != PARTIAL))
            continue;
        struct audit_place place = {.partition = f->slots[i].partition, .offset = f->slots[i].offset};
        missing(arg, &place);
    }
}
