/* What the upper half of the first byte of an input of fuzz_my_alter says the rest is. */
#ifndef SC_TESTS_FUZZ_MY_ALTER_H
#define SC_TESTS_FUZZ_MY_ALTER_H

enum {
    FUZZ_ALTER, /* lower half: 1 ANSI_QUOTES, 2 NO_BACKSLASH_ESCAPES */
    FUZZ_DEFINITION,
    FUZZ_MEMBERS,         /* COLUMN_TYPE */
    FUZZ_MEMBERS_WRITTEN, /* lines */
};

#endif
