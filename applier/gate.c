#include "applier/gate.h"

#include <assert.h>
#include <pthread.h>

#include "base/mem.h"
#include "base/plant.h"

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int copying; /* chunks in flight */
    int copiers_waiting;
    bool applying, applier_waiting;
    bool copiers_turn; /* the applier has just left: whoever waited to copy goes first, once */
    bool closed;
    uint64_t turns;
};

struct gate *gate_new(void)
{
    struct gate *g = mem_alloc(sizeof(*g));
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->changed, NULL);
    return g;
}

void gate_free(struct gate *g)
{
    if (!g)
        return;
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
    mem_free(g);
}

bool gate_enter_copy(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->copiers_waiting++;
    while (!g->closed && (g->applying || (g->applier_waiting && !g->copiers_turn)))
        pthread_cond_wait(&g->changed, &g->lock);
    g->copiers_waiting--;
    if (g->copiers_waiting == 0)
        g->copiers_turn = false;
    bool entered = !g->closed;
    if (entered)
        g->copying++;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
    return entered;
}

void gate_leave_copy(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    assert(g->copying > 0 && !g->applying);
    g->copying--;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

bool gate_enter_apply(struct gate *g)
{
    if (PLANTED(A2_NO_GATE))
        return true;
    pthread_mutex_lock(&g->lock);
    assert(!g->applier_waiting && !g->applying);
    g->applier_waiting = true;
    while (!g->closed && (g->copying > 0 || (g->copiers_turn && g->copiers_waiting > 0)))
        pthread_cond_wait(&g->changed, &g->lock);
    g->applier_waiting = false;
    g->applying = !g->closed;
    g->turns += g->applying;
    bool entered = g->applying;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
    return entered;
}

void gate_leave_apply(struct gate *g)
{
    if (PLANTED(A2_NO_GATE))
        return;
    pthread_mutex_lock(&g->lock);
    assert(g->applying && g->copying == 0);
    g->applying = false;
    g->turns++;
    g->copiers_turn = g->copiers_waiting > 0;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

uint64_t gate_turns(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    uint64_t turns = g->turns;
    pthread_mutex_unlock(&g->lock);
    return turns;
}

void gate_close(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->closed = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}
