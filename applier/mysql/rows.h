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
#define MY_LOCK_WAIT_S 5

struct my_apply {
    struct arena arena;
    struct my_literal *literals; /* one for each column of the source */
    const char *source, *ghost;  /* qualified and quoted */
    const char *insert_columns;  /* of the ghost */
    const char *select_values;   /* of the source, for insert_columns */
    const char *untouched;       /* " ON DUPLICATE KEY UPDATE ..." that leaves the row that is there as it is */
    bool one_writer;             /* InnoDB lets one INSERT ... SELECT at a time into a table with AUTO_INCREMENT */

    /* The last bound that was looked for here: the chunk that ends at it has at most so many rows. */
    struct key *bound;
    uint64_t bound_rows;

    struct my_sets *sets; /* folded.c; NULL until something is applied */
};

/* Makes s->apply. Idempotent. */
enum sc_result my_rows_open(struct session *s, struct sc_error *err);

/* copy.c: appends " WHERE key > after AND key <= upto", whatever of it is not NULL. `literals`: one for each column of
 * the source. SC_FAIL: a stored bound is damaged. */
enum sc_result my_add_range(struct buf *b, const struct target *t, const struct my_literal *literals,
                            const struct key *after, const struct key *upto, struct sc_error *err);

/* Where a statement that inserts into the ghost has its row from. */
enum my_incoming { MY_FROM_VALUES, MY_FROM_SOURCE, MY_FROM_STAGE };
/* INSERT ... VALUES ... AS alias is there from 8.0.19 on; VALUES(column) gives a warning from 8.0.20 on. */
#define MY_ROW_ALIAS "`seachange new`"
static inline bool my_has_row_alias(const struct target *t)
{
    return t->server.family == MY_MYSQL && t->server.version >= 80019;
}

/* The value that the row that is being inserted has for this column of the ghost. */
void my_add_incoming(struct buf *b, const struct target *t, const struct my_mapped *m, enum my_incoming from);
void my_add_ghost_column(struct buf *b, const struct target *t, const char *column);
/* An assignment for ON DUPLICATE KEY UPDATE that changes nothing. Where another unique index can be what the row in the
 * way has in common with the new one, it fails when the keys are not the same: another row must never be touched
 * (correctness B1). */
void my_add_same_key(struct buf *b, const struct target *t, enum my_incoming from);

/* A row lock that somebody else holds kept the last statement from going on, or it was ended as a deadlock's victim. */
bool my_was_locked(const struct session *s);

/* Says of a failure in a row what it means and what to do. Returns `result`. */
enum sc_result my_rows_explain(const struct session *s, enum sc_result result, const char *doing, struct sc_error *err);

#endif
