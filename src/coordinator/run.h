/* One run of the coordinator: what its files share. */
#ifndef SC_COORDINATOR_RUN_H
#define SC_COORDINATOR_RUN_H

#include <pthread.h>

#include "applier/apply.h"
#include "applier/copy.h"
#include "applier/gate.h"
#include "applier/verify.h"
#include "cdc/audit/pump.h"
#include "cdc/spool.h"
#include "coordinator/audit.h"
#include "coordinator/coordinator.h"
#include "coordinator/progress.h"

struct run {
    const struct run_config *config;
    const struct target_ops *ops;
    const struct source_ops *source_ops;
    struct target *target;
    struct migration *migration;

    /* The pipeline: log -> spool -> apply. */
    struct gate *gate;
    struct spool *spool;
    struct source *source;
    struct apply *apply;
    struct walk *copy;
    struct audit *audit;               /* NULL: none is wanted, it has ended, or nothing runs */
    char audit_end[AUDIT_MARKER_TEXT]; /* the marker before which all is in Kafka, and known to be; "": not known */
    /* Up to where the log is dealt with; the reader is told the earlier place. */
    struct {
        pthread_mutex_t lock;
        struct position applied, audited;
        bool audits;
    } durable;
    struct verify *verify;            /* from the phase on until the swap; NULL: not wanted, or not begun */
    struct source_stats source_stats; /* as last asked */
    int unreadable;                   /* times in a row the spool could not be read back, ... */
    struct position unreadable_at;    /* ... starting from here each time, */
    uint64_t unreadable_changes;      /* and so many changes behind it */
    bool given_up;                    /* the reader has; trying again at once would not help */
    char *spool_dir;
    struct session *marker; /* writes heartbeats and markers */
    uint64_t markers;       /* so many were named */

    int64_t began_us, beat_us, checked_us;
    struct progress_rate copy_rate, verify_rate, change_rate;
    uint64_t changes_before; /* applied by pipelines that were stopped since */
    const char *step;        /* what is shown instead of the phase; NULL: the phase */
    const char *note;
    char note_text[256];

    int cutover_tries;
    bool locked;        /* the try that is under way, or was the last, has held the table */
    int64_t blocked_us; /* since when tries have not got all their locks; 0: the last one that asked did */
    bool swapped;       /* what is left is to clean up */
    int64_t writers_held_ms, lag_at_cutover_ms;
    uint64_t rows_verified;
    struct strlist ended; /* sessions that were in the cutover's way, for people */
    struct strlist notes;
    char *table;
};

/* pipeline.c */
/* Before anything is made: SC_REFUSE when the spool's directory cannot be used. */
enum sc_result pipeline_check_directory(struct run *r, struct sc_error *err);
enum sc_result pipeline_start(struct run *r, struct sc_error *err);
void pipeline_stop(struct run *r);
/* Stops it and starts it again at the checkpoint in the database: after a cutover that was given up. */
enum sc_result pipeline_restart(struct run *r, struct sc_error *err);
/* Writes a marker into the log. `text` is its name for apply_wait_marker(). */
enum mark {
    MARK_PLAIN,
    MARK_FENCE, /* it becomes the fence */
    MARK_LAST,  /* of the cutover, under its lock: the last that the log has of the source */
};
enum sc_result pipeline_mark(struct run *r, enum mark mark, char *text, int size, struct sc_error *err);

/* A queue of its own in `directory`, as the operator said. */
enum sc_result pipeline_open_spool(struct run *r, const char *directory, struct spool **out, struct sc_error *err);
/* The reader alone, from where the audit is, if that is earlier than what was applied; `end`: up to this marker, or
 * NULL. */
enum sc_result pipeline_start_source(struct run *r, struct spool *spool, const char *end, struct sc_error *err);

/* Everything up to there was applied, or audited; NULL: that has not changed. Both NULL: there is no audit any more.
 * From any thread. */
void run_confirm(struct run *r, const struct position *applied, const struct position *audited);

/* Has the reader ended for good? The applier would hear of it only behind everything that waits in the spool. */
enum sc_result pipeline_check_source(struct run *r, struct sc_error *err);

/* Why the applier failed, if it was the spool: SC_RETRY, for the server sends again what cannot be read back; SC_FAIL
 * when that has not helped. */
enum sc_result pipeline_check_spool(struct run *r, struct sc_error *err);

/* Heartbeats, checks, progress; call at least every 100 ms. SC_STOP when asked to stop. */
enum sc_result run_tick(struct run *r, struct sc_error *err);
/* pipeline_mark(), tried until it is written; waits until everything before the marker is applied. */
enum sc_result run_mark(struct run *r, enum mark mark, char *text, int size, struct sc_error *err);
enum sc_result run_wait_marker(struct run *r, const char *text, struct sc_error *err);
void run_show(struct run *r);
void run_note(struct run *r, const char *text); /* what the operator should see; NULL: nothing */

/* index.c */
enum sc_result run_index(struct run *r, struct sc_error *err);
/* While the fence is awaited: builds what does not need it, if nobody writes to the table. The server is busy reading
 * its log past the rows that were copied, and there is nothing to apply meanwhile. */
enum sc_result run_index_early(struct run *r, struct sc_error *err);
/* verify.c */
enum sc_result run_verify(struct run *r, struct sc_error *err);
/* Under the cutover's lock, behind the drain: what verification has left to it. */
enum sc_result run_verify_rest(struct run *r, struct session *session, struct sc_error *err);

/* swap.c */
enum sc_result run_cutover(struct run *r, struct sc_error *err);

#endif
