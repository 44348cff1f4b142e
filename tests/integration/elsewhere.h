/* Tests that are for some servers only. tests/run counts them as not there, not as skipped. */
#ifndef TESTS_ELSEWHERE_H
#define TESTS_ELSEWHERE_H

#include <stdbool.h>

/* Ends the test unless it is for this server; `where` says for which it is. */
static inline void only_if(bool here, const char *where)
{
    if (!here) {
        print_message("elsewhere: it is for %s\n", where);
        skip();
    }
}

#endif
