#include "base/strlist.h"

#include <stdarg.h>
#include <string.h>

#include "base/mem.h"

static void give(struct strlist *l, char *s)
{
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 8;
        l->items = mem_resize(l->items, l->cap * sizeof(*l->items));
    }
    l->items[l->count++] = s;
}

void strlist_add(struct strlist *l, const char *s)
{
    give(l, mem_strdup(s));
}

void strlist_addf(struct strlist *l, const char *format, ...)
{
    struct buf b = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&b, format, args);
    va_end(args);
    give(l, buf_take(&b));
}

bool strlist_has(const struct strlist *l, const char *s)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i], s) == 0)
            return true;
    return false;
}

void strlist_fini(struct strlist *l)
{
    for (size_t i = 0; i < l->count; i++)
        mem_free(l->items[i]);
    mem_free(l->items);
    *l = (struct strlist){0};
}
