#include "applier/target.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"

void plan_fini(struct plan *plan)
{
    strlist_fini(&plan->refusals);
    strlist_fini(&plan->warnings);
    strlist_fini(&plan->notes);
    strlist_fini(&plan->statements);
    strlist_fini(&plan->locks);
    mem_free(plan->table);
    mem_free(plan->strategy);
    mem_free(plan->server);
    *plan = (struct plan){0};
}

void pair_fini(struct pair *pair)
{
    mem_free(pair->table);
    mem_free(pair->with);
    strlist_fini(&pair->definition);
    *pair = (struct pair){0};
}

void key_free(struct key *key)
{
    if (!key)
        return;
    for (int i = 0; i < key->count; i++)
        mem_free(key->values[i]);
    mem_free(key->values);
    mem_free(key);
}

struct key *key_copy(const struct key *key)
{
    if (!key)
        return NULL;
    struct key *copy = mem_alloc(sizeof(*copy));
    copy->count = key->count;
    copy->values = mem_array((size_t)key->count, sizeof(*copy->values));
    for (int i = 0; i < key->count; i++)
        copy->values[i] = mem_strdup(key->values[i]);
    return copy;
}

bool key_same(const struct key *a, const struct key *b)
{
    if (!a || !b)
        return a == b;
    if (a->count != b->count)
        return false;
    for (int i = 0; i < a->count; i++)
        if (strcmp(a->values[i], b->values[i]) != 0)
            return false;
    return true;
}

/* So long a wait is enough, however long the lock may be waited for in all. */
#define WAIT_ENOUGH_MS 200

bool blockers_due(const struct blockers *blockers, int wait_ms, int lock_timeout_ms)
{
    return blockers && blockers->end && (wait_ms >= WAIT_ENOUGH_MS || wait_ms >= lock_timeout_ms / 2);
}

void blockers_ended(struct blockers *blockers, const char *what)
{
    log_warn("in the way of the cutover: %s", what);
    strlist_add(blockers->ended, what);
}

void listed_free(struct listed *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct listed *l = &list[i];
        mem_free(l->id);
        mem_free(l->table);
        mem_free(l->phase);
        mem_free(l->alter);
        mem_free(l->started);
        mem_free(l->updated);
        mem_free(l->owner);
        mem_free(l->note);
        strlist_fini(&l->objects);
    }
    mem_free(list);
}
