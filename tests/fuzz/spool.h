/* What the first byte of an input of fuzz_spool says the rest is. */
#ifndef SC_TESTS_FUZZ_SPOOL_H
#define SC_TESTS_FUZZ_SPOOL_H

enum {
    FUZZ_QUEUE,   /* how large things are; then steps: below 0x70 puts, below 0xe0 takes, else damage */
    FUZZ_SEGMENT, /* bytes of a file */
};

#endif
