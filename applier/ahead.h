/* The keys of rows that were read from the source instead of the log, and so may be ahead of it: each with the number
 * of the read. Keys are compared as bytes. Not for more than one thread at a time. */
#ifndef SC_APPLIER_AHEAD_H
#define SC_APPLIER_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "cdc/change.h"

struct ahead;

struct ahead *ahead_new(uint16_t nkey); /* columns of a key */
void ahead_free(struct ahead *ahead);   /* NULL is fine */

/* `key`: all VALUE_PRESENT; copied. A key that is in already gets the new number. */
void ahead_add(struct ahead *ahead, const struct value *key, uint64_t read);
bool ahead_has(const struct ahead *ahead, const struct value *key);
/* Reads up to this number are not ahead any more. Cheap when there is nothing new to forget. UINT64_MAX: forget all. */
void ahead_forget(struct ahead *ahead, uint64_t read);

#endif
