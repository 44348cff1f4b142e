/* A set of numbers that several threads add to and take from: the server's numbers of sessions. */
#ifndef SC_BASE_IDS_H
#define SC_BASE_IDS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct ids {
    pthread_mutex_t lock;
    uint64_t *items;
    size_t count;
};

void ids_init(struct ids *ids);
void ids_fini(struct ids *ids);
void ids_add(struct ids *ids, uint64_t id);
void ids_remove(struct ids *ids, uint64_t id); /* one that is not in it is no mistake */
/* What is in it now: *out is the caller's to mem_free(), NULL where there is nothing. */
size_t ids_copy(struct ids *ids, uint64_t **out);

#endif
