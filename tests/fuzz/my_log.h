/* What the first byte of an input of fuzz_my_log says the rest is. */
#ifndef SC_TESTS_FUZZ_MY_LOG_H
#define SC_TESTS_FUZZ_MY_LOG_H

enum {
    FUZZ_EVENTS_MYSQL,
    FUZZ_EVENTS_MARIADB,
    FUZZ_BODY_MYSQL, /* a type, and a body of it */
    FUZZ_BODY_MARIADB,
    FUZZ_FILE_MYSQL, /* from the FORMAT on, with checksums, which the target mends */
    FUZZ_FILE_MARIADB,
};

#endif
