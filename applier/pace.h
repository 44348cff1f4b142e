/* The copy gives way to the server's other clients: by resting as much as it takes for them to lose no more than a
 * small share of what they get done.
 *
 * What the copy costs them is measured: how much the server does for others while chunks are copied, compared with
 * while none is. Nobody else at work, or nobody who is held up: no rests, but for a short one now and then to compare
 * with. All workers work and rest together. */
#ifndef SC_APPLIER_PACE_H
#define SC_APPLIER_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "applier/gate.h"
#include "applier/target.h"

struct pace;

/* gate: while something is applied nothing is learnt. NULL: what is applied meanwhile does not count. */
struct pace *pace_new(const struct target_ops *ops, struct gate *gate);
void pace_free(struct pace *pace); /* NULL is fine */

/* Around each chunk, and outside of the gate: enter waits while it is time to rest. The session is asked how much was
 * done for others (target_ops.others_work); NULL, or lost: then nothing is learnt this time. */
void pace_enter(struct pace *pace, struct session *session);
void pace_leave(struct pace *pace, struct session *session);
/* Ends every rest for good. */
void pace_close(struct pace *pace);

/* How long to rest after `work_us` of copying, if others got so much done a second while it worked, and while it
 * rested (negative: not known). */
int64_t pace_rest_us(double working, double resting, int64_t work_us);

#endif
