/* Random numbers that tell one run from another; not for secrets. */
#ifndef SC_BASE_RANDOM_H
#define SC_BASE_RANDOM_H

#include <stdint.h>

#define RANDOM_ID_TEXT 9

uint64_t random_number(void);
/* Eight hexadecimal digits: what a migration or a stream is called. */
void random_id(char out[RANDOM_ID_TEXT]);

#endif
