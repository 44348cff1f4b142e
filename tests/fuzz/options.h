/* What the first byte of an input of fuzz_options says the rest is. */
#ifndef SC_TESTS_FUZZ_OPTIONS_H
#define SC_TESTS_FUZZ_OPTIONS_H

enum { FUZZ_COMMAND_LINE, FUZZ_FILE, FUZZ_VALUE };

#endif
