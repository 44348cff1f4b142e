/* The phases of a migration as a table: which may follow which, and what each one is. */
#ifndef SC_COORDINATOR_PHASE_H
#define SC_COORDINATOR_PHASE_H

#include "applier/target.h"

const char *phase_name(enum phase phase);
const char *phase_meaning(enum phase phase);
bool phase_may_follow(enum phase from, enum phase to);

#endif
