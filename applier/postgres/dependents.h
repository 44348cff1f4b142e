/* What depends on the table, and what happens to it. */
#ifndef SC_APPLIER_POSTGRES_DEPENDENTS_H
#define SC_APPLIER_POSTGRES_DEPENDENTS_H

#include "applier/postgres/target.h"

/* Refuses, by name, each object that depends on the table and cannot be carried over; notes those that are. */
enum sc_result pg_dependents_check(struct target *t, struct plan *plan, struct sc_error *err);

/* Appends the statements that bind what lies outside the table (views, foreign keys of other tables, publications,
 * serial sequences) to the new table. In the transaction of pg_ghost_make(), after the ALTER. `add` is called for each.
 */
enum sc_result pg_dependents_carry(struct target *t, struct plan *plan,
                                   void (*add)(struct target *t, enum pg_stage stage, const char *name,
                                               const char *sql),
                                   struct sc_error *err);

#endif
