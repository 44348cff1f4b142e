/* A list of owned strings: statements, reasons, names. Zero-initialised is empty. */
#ifndef SC_BASE_STRLIST_H
#define SC_BASE_STRLIST_H

#include <stdbool.h>
#include <stddef.h>

struct strlist {
    char **items;
    size_t count, cap;
};

void strlist_add(struct strlist *l, const char *s);
void strlist_addf(struct strlist *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool strlist_has(const struct strlist *l, const char *s);
void strlist_fini(struct strlist *l);

#endif
