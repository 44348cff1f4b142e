/* Which messages were acknowledged: acknowledgements of several partitions come in any order, and what may be kept as
 * "done" is only what has no gap before it. One thread, or under its owner's lock. */
#ifndef SC_CDC_AUDIT_WINDOW_H
#define SC_CDC_AUDIT_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct audit_window {
    uint64_t acknowledged; /* all up to this one */
    uint64_t sent;
    uint8_t *bits; /* of those behind: acknowledged out of turn; a ring */
    size_t cap;    /* a power of two */
};

void audit_window_fini(struct audit_window *w);
/* The next number is under way. */
void audit_window_send(struct audit_window *w);
/* False: it is not under way. */
bool audit_window_acknowledge(struct audit_window *w, uint64_t sequence);

#endif
