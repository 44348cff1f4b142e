/* Verification: is every row of the source in the ghost, as it should be there, and nothing else?
 *
 * Both tables are compared in the server, chunk by chunk along the key, each chunk at one moment, while writers go on
 * and changes are applied. So a row may differ because its last change has not been applied yet. Rows that differ are
 * kept as suspects, and looked at again, as often as it takes, until they have once been seen the same. A row that is
 * changed all the time may never be: what is left is compared under the cutover's lock, behind the drain, when nothing
 * may differ any more.
 *
 * Two tables of which nobody says how one follows from the other have no such end. There a row that stays as it is and
 * differs is counted after a few looks; so is, apart from these, one that is another one each time
 * (verify_config.looks).
 *
 * A chunk is recorded when each of its rows has been seen the same. What was not recorded is compared again by whoever
 * goes on: nothing can pass that was not covered. Nothing is repaired. */
#ifndef SC_APPLIER_VERIFY_H
#define SC_APPLIER_VERIFY_H

#include "applier/walk.h"

struct verify;

struct verify_config {
    const struct target_ops *ops;
    struct target *target;
    int workers;
    int64_t chunk_time_ms;
    int64_t give_up_ms;
    bool recorded; /* in the state of a migration */
    int looks;     /* so often a row is looked at again until it counts as different; 0: until it is the same */
};

enum verify_kind {
    VERIFY_DIFFERS,
    VERIFY_MISSING, /* only in the source */
    VERIFY_EXTRA,   /* only in the ghost */
    VERIFY_CHANGES, /* never the same in both, and never twice what it was before */
    VERIFY_KINDS,
};

/* A row that was counted as different. */
#define VERIFY_ROWS_NAMED 20
#define VERIFY_KEY_SIZE 512
struct verify_row {
    enum verify_kind kind;
    char key[VERIFY_KEY_SIZE]; /* "(1, 2)", cut where it is long */
};

struct verify_stats {
    uint64_t rows;                /* of the source that were compared, by this process */
    uint64_t suspects;            /* rows that have not been seen the same yet */
    uint64_t steady;              /* of those: how many were the same, and different, the last VERIFY_STEADY times */
    uint64_t again;               /* rows that were looked at again and found the same */
    bool walked;                  /* every chunk has been looked at */
    uint64_t found[VERIFY_KINDS]; /* rows that were counted as different */
};

#define VERIFY_STEADY 5
/* So many suspects may be left to the cutover's lock: writers wait while they are compared. */
#define VERIFY_LOCK_MOST 1000

enum sc_result verify_start(const struct verify_config *config, struct verify **out, struct sc_error *err);
/* As walk_wait(). */
enum sc_result verify_wait(struct verify *verify, int timeout_ms, bool *running, struct sc_error *err);
/* Looks at all suspects again, once. The more of what was changed meanwhile is applied, the better. */
enum sc_result verify_again(struct verify *verify, struct session *session, struct sc_error *err);
/* Under the cutover's lock, behind the drain: SC_FAIL, naming keys, when a row differs now. */
enum sc_result verify_under_lock(struct verify *verify, struct session *session, struct sc_error *err);
/* Says that rows differ, and names some of the suspects' keys, never values. Returns SC_FAIL. */
enum sc_result verify_differs(struct verify *verify, struct sc_error *err);
void verify_stats(struct verify *verify, struct verify_stats *out);
/* The first of the rows that were counted as different; returns how many. */
size_t verify_rows_named(struct verify *verify, struct verify_row out[static VERIFY_ROWS_NAMED]);
/* Ends the walk; what is known of suspects stays for verify_under_lock(). */
void verify_end_walk(struct verify *verify);
void verify_stop(struct verify *verify); /* NULL is fine */

#endif
