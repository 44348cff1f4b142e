/* What the two ways of swapping share. cutover.c holds what both do; cutover_mysql.c and cutover_mariadb.c how each
 * family's tables are locked and swapped; lock.c how to wait for a lock without hurting others. */
#ifndef SC_APPLIER_MYSQL_CUTOVER_H
#define SC_APPLIER_MYSQL_CUTOVER_H

#include "applier/mysql/sets.h"

/* The comment of the table that stands under the old table's name while MariaDB's cutover is at work. */
#define MY_SENTRY_COMMENT "seachange sentry"

struct my_cutover {
    struct my_conn **parents; /* MySQL: one for each table that foreign keys refer to */
    int nparents;
    struct my_conn *lock, *rename; /* MariaDB's; NULL where not open */
    bool sentry;                   /* MariaDB: the table that keeps a RENAME from succeeding is there */
    bool renaming;                 /* MariaDB: a RENAME was sent whose end is not known */
    int timeout_ms;                /* of this try */
    int64_t locked_us;             /* clock_us() */
};

/* lock.c */
/* Runs a statement that may wait for a table's lock; ends it after timeout_ms (KILL QUERY on t->control). SC_RETRY: not
 * granted; says who is in the way. */
enum sc_result my_run_waiting(struct target *t, struct my_conn *conn, const char *sql, const char *what, int timeout_ms,
                              struct sc_error *err);
/* Sends it, and does not read the answer. */
enum sc_result my_send(struct my_conn *conn, const char *sql, struct sc_error *err);
/* Is there an answer? Waits at most timeout_ms. */
bool my_answered(struct my_conn *conn, int timeout_ms);
enum sc_result my_read_answer(struct my_conn *conn, struct sc_error *err);
/* Ends the running statement of a connection. */
void my_interrupt(struct target *t, const struct my_conn *conn);

/* snapshots.c: does nobody hold a snapshot that does not see the new table as it is? SC_RETRY: somebody does. */
enum sc_result my_snapshots_before(struct session *s, struct sc_error *err);
enum sc_result my_snapshots_under_lock(struct session *s, struct sc_error *err);

/* cutover_mysql.c, cutover_mariadb.c: called in this order by cutover.c. swap: SC_UNKNOWN as in target.h; whatever else
 * fails is followed by unlock. unlock also stands at the end of a swap that is done. */
struct my_swap_ops {
    enum sc_result (*ready)(struct session *s, struct sc_error *err);
    enum sc_result (*lock)(struct session *s, int timeout_ms, struct sc_error *err);
    enum sc_result (*swap)(struct session *s, struct sc_error *err);
    void (*unlock)(struct session *s);
};
extern const struct my_swap_ops my_swap_mysql, my_swap_mariadb;

/* "RENAME TABLE source TO old, ghost TO source" */
void my_add_rename(struct buf *b, const struct target *t);

#endif
