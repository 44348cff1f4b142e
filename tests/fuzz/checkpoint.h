/* What the lower half of the first byte of an input of fuzz_checkpoint says the rest is. */
#ifndef SC_TESTS_FUZZ_CHECKPOINT_H
#define SC_TESTS_FUZZ_CHECKPOINT_H

enum {
    FUZZ_LSN,
    FUZZ_SNAPSHOT,
    FUZZ_STORED, /* order, line end, text */
    FUZZ_PLACES, /* two offsets, each with a byte of how far it is shifted; length and bytes of a name; a number */
    FUZZ_KEY,    /* upper half: values, less one */
    FUZZ_KEY_WRITTEN,
    FUZZ_PHASE,
};

#endif
