/* Types of events that are none, in an input of fuzz_my_groups. */
#ifndef SC_TESTS_FUZZ_MY_GROUPS_H
#define SC_TESTS_FUZZ_MY_GROUPS_H

enum { FUZZ_LOST = 0xee, FUZZ_DIED = 0xed };

#endif
