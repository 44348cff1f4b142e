/* The gate: any number of chunks may be copied at once, or one run of batches applied, never both.
 *
 * It is what lets a change be ordered against a chunk without comparing keys outside the server
 * (docs/internals/ordering.md). Both sides take turns: who waits is let in after the other side's current turn, so
 * neither starves. */
#ifndef SC_APPLIER_GATE_H
#define SC_APPLIER_GATE_H

#include <stdbool.h>
#include <stdint.h>

struct gate;

struct gate *gate_new(void);
void gate_free(struct gate *gate); /* NULL is fine */

/* Each returns false when the gate was closed for good; then nothing was entered. */
bool gate_enter_copy(struct gate *gate);
void gate_leave_copy(struct gate *gate);
bool gate_enter_apply(struct gate *gate);
void gate_leave_apply(struct gate *gate);

/* So many times the applier has entered; grows again when it leaves: whoever finds the same number twice knows that
 * nothing was applied in between, unless the number is odd. */
uint64_t gate_turns(struct gate *gate);

/* Wakes everybody who waits; nobody enters any more. */
void gate_close(struct gate *gate);

#endif
