/* What the fuzz targets share. A target is one function over any bytes; a property that does not hold ends the process
 * as a crash does, so that every finding is an input that can be run again. */
#ifndef SC_TESTS_FUZZ_H
#define SC_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(property)                                                                                                \
    do {                                                                                                               \
        if (!(property)) {                                                                                             \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #property);                              \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* A copy of exactly so many bytes, so that a sanitizer sees what is read beyond them; to be freed. */
static inline uint8_t *fuzz_exact(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    if (size)
        memcpy(exact, data, size);
    return exact;
}

/* The bytes as a text: up to the first NUL, in memory of exactly its length; to be freed. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    size_t len = size ? strnlen((const char *)data, size) : 0;
    char *text = malloc(len + 1);
    if (len)
        memcpy(text, data, len);
    text[len] = 0;
    return text;
}

static inline bool fuzz_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

#endif
