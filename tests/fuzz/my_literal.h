/* What the lower half of the first byte of an input of fuzz_my_literal says the rest is; 16: MariaDB. Then a type. */
#ifndef SC_TESTS_FUZZ_MY_LITERAL_H
#define SC_TESTS_FUZZ_MY_LITERAL_H

enum {
    FUZZ_COLUMN_VALUE, /* metadata, two bytes; bytes of a row */
    FUZZ_BOUND,        /* text */
};

#endif
