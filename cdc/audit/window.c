#include "cdc/audit/window.h"

#include "base/mem.h"

enum { FIRST_CAP = 1024 };

void audit_window_fini(struct audit_window *w)
{
    mem_free(w->bits);
    *w = (struct audit_window){0};
}

static void grow(struct audit_window *w)
{
    size_t cap = w->cap ? w->cap * 2 : FIRST_CAP;
    uint8_t *bits = mem_alloc(cap);
    for (uint64_t s = w->acknowledged + 1; s <= w->sent && w->cap; s++)
        bits[s & (cap - 1)] = w->bits[s & (w->cap - 1)];
    mem_free(w->bits);
    w->bits = bits;
    w->cap = cap;
}

void audit_window_send(struct audit_window *w)
{
    if (w->sent - w->acknowledged >= w->cap)
        grow(w);
    w->sent++;
    w->bits[w->sent & (w->cap - 1)] = 0;
}

bool audit_window_acknowledge(struct audit_window *w, uint64_t sequence)
{
    if (sequence <= w->acknowledged || sequence > w->sent || w->bits[sequence & (w->cap - 1)])
        return false;
    w->bits[sequence & (w->cap - 1)] = 1;
    while (w->acknowledged < w->sent && w->bits[(w->acknowledged + 1) & (w->cap - 1)])
        w->acknowledged++;
    return true;
}
