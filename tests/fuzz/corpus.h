/* What makes first inputs for the fuzz targets, out of what was recorded from servers: `corpus_NAME DIRECTORY`. */
#ifndef SC_TESTS_FUZZ_CORPUS_H
#define SC_TESTS_FUZZ_CORPUS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char *corpus_directory;
static size_t corpus_count;

static inline void corpus_begin(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        exit(2);
    }
    corpus_directory = argv[1];
}

static inline void corpus_add(const struct buf *input)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%05zu", corpus_directory, ++corpus_count);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(input->data, 1, input->len, f) != input->len || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

/* One byte that says what the rest is, and a text. */
static inline void corpus_text(uint8_t mode, const char *text)
{
    struct buf b = {0};
    buf_u8(&b, mode);
    buf_str(&b, text);
    corpus_add(&b);
    buf_fini(&b);
}

static inline void corpus_hex(struct buf *b, const char *hex)
{
    unsigned v;
    for (; hex[0] && hex[1]; hex += 2) {
        while (*hex == ' ')
            hex++;
        if (sscanf(hex, "%2x", &v) != 1)
            break;
        buf_u8(b, (uint8_t)v);
    }
}

static inline int corpus_end(void)
{
    printf("%zu inputs\n", corpus_count);
    return 0;
}

#endif
