/* `seachange audit` instead of a migration: when it has been at it for long enough, and when all of it is in Kafka. */
#ifndef TORTURE_STREAM_H
#define TORTURE_STREAM_H

#include <sys/types.h>

#include "torture/program.h"

/* What it says on its standard error. */
void stream_heard(struct program *program, const char *line);
/* Asked again and again while it runs: the clients are stopped in time, and it is ended when their last change has come
 * to Kafka. */
void stream_step(struct program *program, pid_t pid);
/* Exit code 0 is that of a stream that was told to end: was this one? */
bool stream_was_told(const struct program *program);
/* `seachange audit remove`, which has to leave nothing; false with world's errors. */
bool stream_remove(const struct program *program);

#endif
