/* How an input of fuzz_told begins: flags, where the other map differs (two bytes, low one first), and in which bits.
 */
#ifndef SC_TESTS_FUZZ_TOLD_H
#define SC_TESTS_FUZZ_TOLD_H

enum {
    FUZZ_MAP_MARIADB = 1,
    FUZZ_LEAVES_OUT_STORED = 2,
    FUZZ_SIGNS_LEAVE_OUT_YEAR = 4,
    FUZZ_UNTOLD = 8, /* something is known of some columns that maps do not tell */
    FUZZ_TOLD_HEAD = 4,
};

#endif
