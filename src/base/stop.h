/* The wish to stop: said once by a signal or by the program, asked for by everything that loops or waits.
 *
 * Nothing is torn down in the handler. Whoever waits in poll() adds stop_fd() to what it waits for. */
#ifndef SC_BASE_STOP_H
#define SC_BASE_STOP_H

#include <stdatomic.h>
#include <stdbool.h>

/* SIGINT and SIGTERM ask to stop; a second one, a second later or more, ends the process at once, as a crash would,
 * with exit code 75. SIGPIPE and SIGXFSZ are ignored: a lost connection and a file at the limit of its size (ulimit -f)
 * are error codes, not deaths. Call once, before the first thread. */
void stop_on_signals(void);

bool stop_requested(void);
const atomic_bool *stop_flag(void); /* the same, for those that are given what ends their waiting */
void stop_request(void);            /* safe in a signal handler and from any thread; asking again changes nothing */

/* Readable (POLLIN) from the moment stop_request() was called, for good. Never read from it. */
int stop_fd(void);

#endif
