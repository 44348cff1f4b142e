/* A chunk's bound as it is stored: "3:abc,1:x,", length and bytes of each value. Knows no server. */
#ifndef SC_APPLIER_MYSQL_KEY_TEXT_H
#define SC_APPLIER_MYSQL_KEY_TEXT_H

#include "applier/target.h"
#include "base/mem.h"

void my_key_write(struct buf *out, const struct key *key);
/* Of so many values, exactly as my_key_write() has it, else false. NULL is no bound, and gives none. */
bool my_key_read(const char *text, int count, struct key **out);

#endif
