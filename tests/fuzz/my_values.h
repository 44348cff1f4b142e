/* What the first byte of an input of fuzz_my_values says the rest is. */
#ifndef SC_TESTS_FUZZ_MY_VALUES_H
#define SC_TESTS_FUZZ_MY_VALUES_H

enum { FUZZ_VALUE, FUZZ_JSON, FUZZ_JSON_UPDATE };

#endif
