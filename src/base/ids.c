#include "base/ids.h"

#include <string.h>

#include "base/mem.h"

void ids_init(struct ids *ids)
{
    *ids = (struct ids){0};
    pthread_mutex_init(&ids->lock, NULL);
}

void ids_fini(struct ids *ids)
{
    pthread_mutex_destroy(&ids->lock);
    mem_free(ids->items);
    ids->items = NULL;
    ids->count = 0;
}

void ids_add(struct ids *ids, uint64_t id)
{
    pthread_mutex_lock(&ids->lock);
    ids->items = mem_resize(ids->items, (ids->count + 1) * sizeof(*ids->items));
    ids->items[ids->count++] = id;
    pthread_mutex_unlock(&ids->lock);
}

void ids_remove(struct ids *ids, uint64_t id)
{
    pthread_mutex_lock(&ids->lock);
    for (size_t i = 0; i < ids->count; i++) {
        if (ids->items[i] == id) {
            ids->items[i] = ids->items[--ids->count];
            break;
        }
    }
    pthread_mutex_unlock(&ids->lock);
}

size_t ids_copy(struct ids *ids, uint64_t **out)
{
    *out = NULL;
    pthread_mutex_lock(&ids->lock);
    size_t count = ids->count;
    if (count > 0) {
        *out = mem_array(count, sizeof(**out));
        memcpy(*out, ids->items, count * sizeof(**out));
    }
    pthread_mutex_unlock(&ids->lock);
    return count;
}
