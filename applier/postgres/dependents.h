/* What depends on the table, and whether it can be carried over (carry.c does it). */
#ifndef SC_APPLIER_POSTGRES_DEPENDENTS_H
#define SC_APPLIER_POSTGRES_DEPENDENTS_H

#include "applier/postgres/target.h"

/* Refuses, by name, each object that depends on the table and cannot be carried over; notes those that are. */
enum sc_result pg_dependents_check(struct target *t, struct plan *plan, struct sc_error *err);

#endif
