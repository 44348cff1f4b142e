/* What the statements of copy and apply are made of, worked out once a session. rows.c makes it; copy.c copies chunks;
 * apply.c is the transaction around a batch, folded.c applies a folded one set by set, ordered.c one change after the
 * other in the order of the log. */
#ifndef SC_APPLIER_MYSQL_ROWS_H
#define SC_APPLIER_MYSQL_ROWS_H

#include "applier/batch.h"
#include "applier/mysql/literal.h"
#include "applier/mysql/ops.h"

/* Error numbers of the servers (MySQL Server Error Reference; MariaDB Error Codes). */
#define ER_LOCK_WAIT_TIMEOUT_NUMBER 1205 /* MariaDB also for NOWAIT */
#define ER_DEADLOCK_NUMBER 1213
#define ER_DUPLICATE_NUMBER 1062
#define ER_LOCK_NOWAIT_NUMBER 3572 /* MySQL */

/* How long a session waits for a row's lock until it is reported and tried again. */
#define MY_LOCK_WAIT_S 10

struct my_apply {
    struct arena arena;
    struct my_literal *literals; /* one for each column of the source */
    const char *source, *ghost;  /* qualified and quoted */
    const char *insert_columns;  /* of the ghost: mapped ones, then added ones that would take no row without a value */
    const char *select_values;   /* of the source, for insert_columns */
    const char *added_values;    /* ", 0, ''" for the added ones */
    const char *untouched;       /* " ON DUPLICATE KEY UPDATE ..." that leaves the row that is there as it is */
    bool one_writer;             /* InnoDB lets one INSERT ... SELECT at a time into a table with AUTO_INCREMENT */

    /* The last bound that was looked for here: the chunk that ends at it has at most so many rows. */
    struct key *bound;
    uint64_t bound_rows;

    struct my_sets *sets; /* folded.c; NULL until something is applied */
};

/* Makes s->apply. Idempotent. */
enum sc_result my_rows_open(struct session *s, struct sc_error *err);

/* A row lock that somebody else holds kept the last statement from going on, or it was ended as a deadlock's victim. */
bool my_was_locked(const struct session *s);

/* Says of a failure in a row what it means and what to do. Returns `result`. */
enum sc_result my_rows_explain(const struct session *s, enum sc_result result, const char *doing, struct sc_error *err);

#endif
