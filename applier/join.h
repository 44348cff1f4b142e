/* Ending threads that work on sessions of a target: what they do ends by itself, or is ended. */
#ifndef SC_APPLIER_JOIN_H
#define SC_APPLIER_JOIN_H

#include <pthread.h>

#include "applier/target.h"

/* Joins threads that have been told to stop. What their sessions are doing may last for hours or wait for somebody (an
 * index build; a function in the ALTER that takes a lock): after two seconds it is interrupted, again and again, since
 * the interruption may fall between two statements. Called by the coordinator's thread. */
void join_workers(const struct target_ops *ops, struct target *target, const pthread_t *threads, int count);

#endif
