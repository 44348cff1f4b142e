/* What stands on the table beside its definition. */
#ifndef SC_APPLIER_MYSQL_DEPENDENTS_H
#define SC_APPLIER_MYSQL_DEPENDENTS_H

#include "applier/mysql/target.h"

/* Fills refusals, warnings and notes. */
enum sc_result my_dependents_check(struct target *t, struct plan *plan, struct sc_error *err);

/* The statement that tells where the binary log ends. */
const char *my_log_status_sql(const struct target *t);

#endif
