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

/* How long a row of INNODB_TRX has been open: the server writes the start in its own time zone. */
#define MY_TRX_OPEN_S(row)                                                                                             \
    "TIMESTAMPDIFF(SECOND, " row ".trx_started, CONVERT_TZ(NOW(), @@session.time_zone, 'SYSTEM'))"

/* lock.c */
/* Runs a statement that may wait for a table's lock; ends it after timeout_ms (KILL QUERY on t->control). SC_RETRY: not
 * granted; says who is in the way. Shortly before, those in the way are ended where that is due. */
enum sc_result my_run_waiting(struct target *t, struct my_conn *conn, const char *sql, const char *what, int timeout_ms,
                              struct sc_error *err);
/* The same for a RENAME, which is not ended: the server does it after its own time-out. */
enum sc_result my_run_rename(struct target *t, struct my_conn *conn, const char *sql, int timeout_ms,
                             struct sc_error *err);
/* Sends it, and does not read the answer. */
enum sc_result my_send(struct my_conn *conn, const char *sql, struct sc_error *err);
/* Is there an answer? Waits at most timeout_ms. */
bool my_answered(struct my_conn *conn, int timeout_ms);
/* The same for a statement that may wait for a lock: when most of the time is over, names who is in the way, and ends
 * them where that is due. */
bool my_answered_in_time(struct target *t, struct my_conn *conn, bool renames, int timeout_ms, struct buf *names);
enum sc_result my_read_answer(struct my_conn *conn, struct sc_error *err);
/* Ends the running statement of a connection. */
void my_interrupt(struct target *t, const struct my_conn *conn);

/* blockers.c: asked on t->control while a connection of ours waits for a lock; `renames`: with a RENAME. */
void my_blockers_name(struct target *t, const struct my_conn *waiting, bool renames, struct buf *out);
/* Ends those who hold what it waits for, until so late. */
void my_blockers_end(struct target *t, const struct my_conn *waiting, bool renames, int64_t until_us);
/* A condition on connections p.ID: not one that holds the table. malloc'd; NULL where blockers are not to be ended. */
char *my_blockers_not_holding(struct target *t);

/* snapshots.c: does the performance schema see every transaction? SC_OK and false also where it may not be asked. */
enum sc_result my_events_complete(struct target *t, bool *complete, struct sc_error *err);

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
