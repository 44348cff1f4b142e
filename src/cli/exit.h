/* Exit codes: stable, documented, and made for a Kubernetes Job's podFailurePolicy. The one place where they are
 * decided. */
#ifndef SC_CLI_EXIT_H
#define SC_CLI_EXIT_H

#include <stddef.h>

#include "base/error.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_USAGE = 2,
    EXIT_REFUSED = 3,
    EXIT_FAILED = 4,
    EXIT_UNKNOWN = 5,
    EXIT_RESUMABLE = 75, /* EX_TEMPFAIL of sysexits.h */
};

int exit_status_of(enum sc_result result);

/* What each says, in order, for the help. */
struct exit_text {
    int status;
    const char *text;
};
extern const struct exit_text exit_texts[];
extern const size_t exit_text_count;

#endif
