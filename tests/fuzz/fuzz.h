/* What the first byte of an input says the rest is. */
#ifndef SC_TESTS_FUZZ_H
#define SC_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

enum {
    FUZZ_EVENTS_MYSQL,
    FUZZ_EVENTS_MARIADB,
    FUZZ_BODY_MYSQL, /* a type, and a body of it */
    FUZZ_BODY_MARIADB,
    FUZZ_STATEMENT, /* a byte of settings, and the text */
    FUZZ_GTIDS,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
