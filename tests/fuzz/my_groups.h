/* An input of fuzz_my_groups: flags, and types of events that are none. */
#ifndef SC_TESTS_FUZZ_MY_GROUPS_H
#define SC_TESTS_FUZZ_MY_GROUPS_H

enum {
    FUZZ_MARIADB = 1,
    FUZZ_GOES_ON = 2, /* a stream that goes on over changes of its tables */
    FUZZ_TOLD = 4,    /* ... for which the catalog is ahead of the log when it begins */
    FUZZ_UNNAMED = 8, /* ... on a server whose log does not say what columns are called */
};

enum { FUZZ_LOST = 0xee, FUZZ_DIED = 0xed };

#endif
