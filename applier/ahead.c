#include "applier/ahead.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

struct known {
    const char *bytes; /* length and text of each column; NULL: an empty slot */
    uint32_t len;
    uint64_t hash, read;
};

struct ahead {
    uint16_t nkey;
    struct arena arena;
    struct known *slots; /* open addressing, a power of two, at most half full */
    size_t nslots, count;
    uint64_t forgotten;
    struct buf key; /* scratch */
};

struct ahead *ahead_new(uint16_t nkey)
{
    struct ahead *a = mem_alloc(sizeof(*a));
    a->nkey = nkey;
    return a;
}

void ahead_free(struct ahead *a)
{
    if (!a)
        return;
    mem_free(a->slots);
    arena_fini(&a->arena);
    buf_fini(&a->key);
    mem_free(a);
}

static void flatten(struct buf *out, const struct value *key, uint16_t nkey)
{
    buf_clear(out);
    for (uint16_t i = 0; i < nkey; i++) {
        assert(key[i].state == VALUE_PRESENT);
        buf_bytes(out, &key[i].len, sizeof(key[i].len));
        buf_bytes(out, key[i].data, key[i].len);
    }
}

/* FNV-1a: the set is small, and who chooses keys gains little by making it slow. */
static uint64_t hash_of(const char *bytes, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    return h ^ h >> 32;
}

/* Where the key is, or where it would go. */
static struct known *slot_of(const struct ahead *a, const char *bytes, size_t len, uint64_t hash)
{
    size_t i = hash & (a->nslots - 1);
    while (a->slots[i].bytes &&
           (a->slots[i].hash != hash || a->slots[i].len != len || memcmp(a->slots[i].bytes, bytes, len) != 0))
        i = (i + 1) & (a->nslots - 1);
    return &a->slots[i];
}

static void grow(struct ahead *a)
{
    struct known *was = a->slots;
    size_t nwas = a->nslots;
    a->nslots = nwas ? nwas * 2 : 256;
    a->slots = mem_array(a->nslots, sizeof(*a->slots));
    for (size_t i = 0; i < nwas; i++)
        if (was[i].bytes)
            *slot_of(a, was[i].bytes, was[i].len, was[i].hash) = was[i];
    mem_free(was);
}

void ahead_add(struct ahead *a, const struct value *key, uint64_t read)
{
    if ((a->count + 1) * 2 > a->nslots)
        grow(a);
    flatten(&a->key, key, a->nkey);
    uint64_t hash = hash_of(a->key.data, a->key.len);
    struct known *k = slot_of(a, a->key.data, a->key.len, hash);
    if (!k->bytes) {
        char *bytes = arena_copy(&a->arena, a->key.data, a->key.len);
        *k = (struct known){.bytes = bytes, .len = (uint32_t)a->key.len, .hash = hash};
        a->count++;
    }
    k->read = read;
}

bool ahead_has(const struct ahead *a, const struct value *key)
{
    if (a->count == 0)
        return false;
    struct buf flat = {0};
    flatten(&flat, key, a->nkey);
    const struct known *k = slot_of(a, flat.data, flat.len, hash_of(flat.data, flat.len));
    bool has = k->bytes && k->read > a->forgotten;
    buf_fini(&flat);
    return has;
}

void ahead_forget(struct ahead *a, uint64_t read)
{
    if (read <= a->forgotten)
        return;
    struct ahead kept = {.nkey = a->nkey};
    for (size_t i = 0; i < a->nslots; i++) {
        const struct known *k = &a->slots[i];
        if (!k->bytes || k->read <= read)
            continue;
        if ((kept.count + 1) * 2 > kept.nslots)
            grow(&kept);
        *slot_of(&kept, k->bytes, k->len, k->hash) = *k;
        slot_of(&kept, k->bytes, k->len, k->hash)->bytes = arena_copy(&kept.arena, k->bytes, k->len);
        kept.count++;
    }
    mem_free(a->slots);
    arena_fini(&a->arena);
    a->slots = kept.slots;
    a->nslots = kept.nslots;
    a->count = kept.count;
    a->arena = kept.arena;
    a->forgotten = read == UINT64_MAX ? a->forgotten : read;
}
