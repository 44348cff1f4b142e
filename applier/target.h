/* What an engine offers the program for one migration: its ghost, copy, apply and cutover behind a small table of
 * functions.
 *
 * The drivers (copy.c, apply.c, swap.c) and the coordinator know no engine; they call these. A target holds what is
 * known of the migration; a session is one connection with one purpose, used by one thread at a time. Every function
 * that can fail fills `err`; SC_RETRY means that nothing happened and that the session may have to be opened again. */
#ifndef SC_APPLIER_TARGET_H
#define SC_APPLIER_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strlist.h"
#include "cdc/audit/stream.h"
#include "cdc/change.h"
#include "cdc/source.h"

struct target;
struct session;
struct batch; /* applier/batch.h */

/* The phases of a migration; the coordinator's table (src/coordinator/phase.h) says which may follow which. Stored by
 * name. */
enum phase {
    PHASE_PREFLIGHT,
    PHASE_PREPARE,
    PHASE_COPY,
    PHASE_INDEX,
    PHASE_CATCH_UP,
    PHASE_VERIFY,
    PHASE_READY,
    PHASE_CUTOVER,
    PHASE_CLEANUP, /* swapped; constraints are validated, what is ours is removed */
    PHASE_DONE,
    PHASE_ABORTED,
    PHASE_FAILED,
};

struct migration_spec {
    const char *url;
    const char *table; /* as the operator wrote it: name or schema.name, quoted as in SQL */
    const char *alter; /* what stands behind ALTER TABLE name; NULL where only the table matters (abort) */
    const char *id;    /* of a stored migration; NULL: found by table */
    int workers;
    bool drop_old;
    int lock_timeout_ms;          /* one try of the cutover */
    int64_t slot_wait_ms;         /* how long the log's start may wait for open transactions */
    int64_t old_snapshot_wait_ms; /* how long the cutover waits for snapshots older than the ghost (correctness D9) */
    int64_t kill_blockers_ms; /* how long tries do without their locks before who holds them is ended; 0: nobody is */
};

/* What would be done, for `seachange plan`, and every reason not to. */
struct plan {
    struct strlist refusals; /* each one reason; empty: can be done */
    struct strlist warnings;
    struct strlist notes;      /* what happens to each dependent object */
    struct strlist statements; /* "-- phase" lines and SQL, in order */
    struct strlist locks;      /* which lock, on what, when, how long at most */
    uint64_t rows;             /* estimated */
    uint64_t table_bytes, index_bytes;
    uint64_t disk_bytes; /* needed beside what is there */
    uint64_t log_bytes;  /* WAL or binary log written */
    char *table;         /* qualified, quoted */
    char *strategy;      /* "ghost" */
    char *server;        /* "PostgreSQL 15.18" */
};
void plan_fini(struct plan *plan);

/* What is stored of a migration and where it stands. */
struct migration {
    char id[24];       /* 8 hexadecimal digits */
    const char *table; /* qualified and quoted; the target's. NULL until it is known (preflight) */
    enum phase phase;
    bool resumed;             /* it was there when we came */
    struct position applied;  /* the checkpoint: all transactions up to here are in the ghost */
    struct position partial;  /* and of the transaction that commits here ... */
    uint64_t partial_changes; /* ... so many changes */
    struct position fence;    /* order 0: not written yet */
    uint64_t rows_estimated;
    uint64_t rows_copied;
    const char *old_table; /* set by finish() when it is kept: qualified and quoted; the target's */
};

/* One row of `seachange list`. Strings are owned. */
struct listed {
    char *id, *table, *phase, *alter, *started, *updated, *owner, *note;
    struct strlist objects; /* what exists of it: "slot seachange_7f3a", "table ...", one a line */
};

/* A chunk: rows with after < key <= upto, both exclusive ends open when NULL. Keys are text values in key column order,
 * written by the server and handed back to it unread. */
struct key {
    int count;
    char **values; /* owned */
};
struct chunk {
    uint64_t number; /* grows along the key */
    struct key *after, *upto;
    uint64_t rows; /* of one that is recorded: how many it had then */
};
void key_free(struct key *key);
struct key *key_copy(const struct key *key);
bool key_same(const struct key *a, const struct key *b); /* equal text, or both NULL */

/* A row of the source and the one of the ghost with the same key, as seen at one moment: empty texts where there is
 * none, else what changes with every byte of the mapped columns. */
#define ROW_HASH_SIZE 72
struct row_pair {
    char source[ROW_HASH_SIZE], ghost[ROW_HASH_SIZE];
};

/* What the comparison of a chunk has seen, at one moment. */
struct compared {
    bool same;
    uint64_t rows;    /* of the source */
    uint64_t differ;  /* keys with another row in the ghost ... */
    uint64_t missing; /* ... with none there ... */
    uint64_t extra;   /* ... and with one only there */
};

/* What is stored of a migration's audit stream. */
struct audit_stored {
    const char *settings; /* what must not change while it goes on */
    struct audit_state state;
    bool ended;      /* everything of this migration was sent; or nothing more will be: */
    const char *gap; /* why it ended before that; NULL: it did not */
};

/* Two tables of one server that are to be compared, of no migration that runs. */
struct pair_spec {
    const char *with; /* as the operator wrote it; NULL: the table that a migration has put aside for spec.table */
    const char *map;  /* "a=b,c=d": column a of spec.table is column b of the other one; NULL: the names say it */
};
struct pair {
    char *table, *with;        /* qualified and quoted */
    bool swapped;              /* `with` takes the source's part and `table` the ghost's: its values are converted */
    bool put_aside;            /* by a migration, which `with` was before it */
    uint64_t rows_estimated;   /* of the source */
    struct strlist definition; /* what differs in the definitions and how it is compared, for people */
};
void pair_fini(struct pair *pair);

/* What a cutover found under the lock, or learnt afterwards. */
enum swap_outcome { SWAP_DONE, SWAP_NOT_DONE, SWAP_UNPROVEN };

/* Other sessions that hold a lock which the cutover waits for, as one try meets them (correctness D4). */
struct blockers {
    bool end;              /* the coordinator's: they are to be ended, when most of the wait for a lock is over */
    bool met;              /* the target's: a lock was not granted within its time */
    struct strlist *ended; /* who was ended so far, for people */
};
/* Are they to be ended where a wait of wait_ms for a lock does not get it? One that is short, because others before it
 * took most of lock_timeout_ms, proves nothing against who is in its way. NULL: no. */
bool blockers_due(const struct blockers *blockers, int wait_ms, int lock_timeout_ms);
/* The target's word for each that it has ended: logs it, and adds it to the list. `what` says who, and how. */
void blockers_ended(struct blockers *blockers, const char *what);

/* The rows that the log gives. */
struct row_shape {
    uint16_t ncolumns;
    const uint16_t *key; /* indexes of the key's columns; the target's */
    uint16_t nkey;
    /* Batches may come folded by the bytes of the keys: equal for the server means equal as bytes, or the applier does
     * what makes room before it sets anything, in all parts, and rows are known whole */
    bool folds;
};

/* How a batch is applied in parts (applier/parts.h). */
struct parts_cut {
    uint32_t parts; /* 0: it is not */
    int steps;      /* 2 where what is set needs room made first: everything goes away, then everything is set */
    /* The batch's last change, by which it is known again: its transaction's commit, and its number in there. */
    struct position last;
    uint64_t last_changes;
};

struct target_ops {
    const char *name; /* "PostgreSQL" */

    /* Connects and learns the server. */
    enum sc_result (*open)(const struct migration_spec *spec, struct target **out, struct sc_error *err);
    void (*close)(struct target *target);

    /* Fills the plan. Changes nothing (what has to be tried is tried in a transaction that is rolled back).
     * SC_OK also when there are refusals; SC_REFUSE when there is not even a table to speak of. */
    enum sc_result (*plan)(struct target *target, struct plan *plan, struct sc_error *err);

    /* Takes the migration's lock and finds or creates its stored state. After it, migration() is valid; its phase is
     * PHASE_DONE when another instance has made the very same change while this one waited for the lock.
     * SC_REFUSE: another instance holds the lock, or the stored one has another ALTER. */
    enum sc_result (*begin)(struct target *target, struct sc_error *err);
    struct migration *(*migration)(struct target *target);
    /* Stores the phase (and checks that the lock is still ours). */
    enum sc_result (*enter_phase)(struct target *target, enum phase phase, struct sc_error *err);
    /* Still holding the lock, server the same, source table unchanged? SC_FAIL/SC_REFUSE says what changed. */
    enum sc_result (*check)(struct target *target, struct sc_error *err);

    /* Makes log position, ghost and everything else that has to be there before copying. Idempotent: after a crash in
     * it, all that a first try left is removed and made again. `progress` is called with what it waits for. */
    enum sc_result (*prepare)(struct target *target, void (*progress)(void *arg, const char *text), void *arg,
                              struct sc_error *err);
    /* For source_ops.start(). Strings are the target's. */
    void (*source_config)(struct target *target, struct source_config *out);

    enum sc_result (*session_open)(struct target *target, const char *role, struct session **out, struct sc_error *err);
    void (*session_close)(struct session *session);
    /* Ends the statements that sessions are running at this moment; to those that run them it looks like SC_RETRY. Only
     * by the thread that calls begin(), check() and the like. */
    void (*interrupt)(struct target *target);

    /* Writes a message into the log that the source hands on as CHANGE_MARKER, and makes sure it is flushed. */
    enum sc_result (*marker)(struct session *session, const char *text, struct sc_error *err);

    /* Copy. chunk_bound: the key of the rows-th row behind `after`; *upto NULL: fewer are left. */
    enum sc_result (*chunk_bound)(struct session *session, const struct key *after, uint64_t rows, struct key **upto,
                                  struct sc_error *err);
    /* The most rows a chunk should have while so many workers copy, for the server's own sake. */
    enum sc_result (*chunk_rows_most)(struct session *session, int workers, uint64_t *rows, struct sc_error *err);
    /* Copies one chunk and records it, in one transaction, with one snapshot. */
    enum sc_result (*chunk_copy)(struct session *session, const struct chunk *chunk, uint64_t *rows,
                                 struct sc_error *err);
    /* How much the server has done for other clients so far, in a unit of its own that only grows: only differences
     * count. false: it cannot be told now. NULL: it never can, and the copy does not give way. */
    bool (*others_work)(struct session *session, uint64_t *count);
    /* Loads recorded chunks in order of number; *chunks is the caller's (array of *count, keys owned). */
    enum sc_result (*chunks_load)(struct session *session, struct chunk **chunks, size_t *count, struct sc_error *err);

    /* The index by which the applier finds rows. key_index_ready() is cheap. */
    bool (*key_index_ready)(struct target *target);
    enum sc_result (*key_index_build)(struct session *session, struct sc_error *err);

    /* Applies one batch and its checkpoint. With `commit` false (cutover session) it stays in the open transaction.
     * SC_RETRY: nothing of it was applied. SC_UNKNOWN never: a commit whose outcome is unknown is SC_RETRY, because
     * checkpoint_load() tells. SC_FAIL: the ghost disagrees with the log, or a row does not fit. */
    enum sc_result (*apply)(struct session *session, const struct batch *batch, bool commit, struct sc_error *err);
    /* In parts, behind the copy. parts_steps: in how many steps a batch can be; 0: only as a whole, for now. */
    enum sc_result (*parts_steps)(struct session *session, bool strict, int *steps, struct sc_error *err);
    /* One step (from 1) of the part batch->part, in a transaction that records it. SC_OK also when it is in already. */
    enum sc_result (*part_apply)(struct session *session, const struct batch *batch, const struct parts_cut *cut,
                                 int step, struct sc_error *err);
    /* All are in: moves the checkpoint. */
    enum sc_result (*parts_end)(struct session *session, const struct batch *batch, struct sc_error *err);
    /* Is there a batch of which not all parts are known to be in? cut->parts 0: none. */
    enum sc_result (*parts_pending)(struct session *session, struct parts_cut *cut, struct sc_error *err);
    /* Loads the checkpoint into migration(). */
    enum sc_result (*checkpoint_load)(struct session *session, struct sc_error *err);
    /* Are all these transactions (ids as the log has them) visible to a new snapshot? */
    enum sc_result (*visible)(struct session *session, const uint64_t *xids, size_t count, bool *all,
                              struct sc_error *err);
    /* How many times rows were read from the source instead of the log (read-repair). What such a read saw can lie
     * behind a fence that was written before it. */
    uint64_t (*repairs)(struct target *target);
    /* Stores the fence. */
    enum sc_result (*fence_store)(struct session *session, const struct position *fence, struct sc_error *err);
    /* Does this description of the source in the log fit what the ghost was made from? SC_FAIL: someone changed it. */
    enum sc_result (*relation_check)(struct target *target, const struct relation *relation, struct sc_error *err);
    /* Which columns of the log's rows are the key (indexes into the relation), and may keys be compared as bytes? */
    void (*row_shape)(struct target *target, struct row_shape *out);

    /* Comparing (applier/verify.h). Of the mapped columns only, as the ghost's types have them; each call looks at both
     * tables at one moment. Keys of what is compared are the ghost's.
     * compare_ordered: is a stretch of the source's key a stretch of the ghost's, and are rows found by key in both
     * through an index? Else everything has to be compared at once. */
    enum sc_result (*compare_ordered)(struct session *session, bool *ordered, struct sc_error *err);
    enum sc_result (*compare_chunk)(struct session *session, const struct chunk *chunk, struct compared *out,
                                    struct sc_error *err);
    /* The keys of a chunk's rows that differ, at most `most` of them: *keys is the caller's array of *count. */
    enum sc_result (*compare_rows)(struct session *session, const struct chunk *chunk, size_t most, struct key ***keys,
                                   size_t *count, struct sc_error *err);
    /* pairs: array of `count`. Also on the cutover's session, under its lock. */
    enum sc_result (*compare_keys)(struct session *session, struct key *const *keys, size_t count,
                                   struct row_pair *pairs, struct sc_error *err);
    /* Chunks that were found the same, as chunks_load() and what chunk_copy() records. */
    enum sc_result (*verified_load)(struct session *session, struct chunk **chunks, size_t *count,
                                    struct sc_error *err);
    enum sc_result (*verified_store)(struct session *session, const struct chunk *chunk, uint64_t rows,
                                     struct sc_error *err);

    /* Right after open(), instead of begin(): learns both tables, and maps one to the other, so that sessions can
     * compare them. Writes nothing, and neither do those sessions. *out is the caller's, also of a failure. SC_REFUSE:
     * there is no such table, they have no key or column in common, or may not be read. */
    enum sc_result (*pair_open)(struct target *target, const struct pair_spec *spec, struct pair *out,
                                struct sc_error *err);

    /* The audit (cdc/audit/stream.h). audit_describe: the source as consumers are told of it, also when it was put
     * aside already; what it is made of is the arena's or the target's. audit_rules_apply() and audit_table_prepare()
     * come next. SC_REFUSE: a column's text cannot be converted. Only by the thread that calls begin(), check() and the
     * like. */
    enum sc_result (*audit_describe)(struct session *session, const struct audit_options *options, struct arena *arena,
                                     struct audit_table *out, struct sc_error *err);
    /* How the server's kind is named to consumers, and its number there (0: none). */
    const struct audit_engine *(*audit_engine)(struct target *target, uint64_t *server_id);
    /* Where the stream stands. Nobody has to wait for it: whoever is at it, the next one sends from an earlier place
     * what is there already. audit_load: *found false: there is none; strings and heads are the arena's. audit_store:
     * SC_FENCED. */
    enum sc_result (*audit_load)(struct session *session, struct arena *arena, struct audit_stored *out, bool *found,
                                 struct sc_error *err);
    enum sc_result (*audit_store)(struct session *session, const struct audit_stored *stored, struct sc_error *err);
    /* After the swap: a marker that is, or will be, in the log behind every change of the old table, and before which
     * the reader meets nothing else that bears its name. */
    enum sc_result (*audit_last_marker)(struct session *session, char *text, size_t size, struct sc_error *err);
    /* Right after open(), instead of begin(): learns spec.table alone, as the log has it, so that sessions can read it.
     * Writes nothing, and neither do those sessions. SC_REFUSE: there is no such table, it has no key, or it may not be
     * read. */
    enum sc_result (*audit_open)(struct target *target, struct sc_error *err);
    /* Behind audit_open(): does the log tell all changes of the table, and by its key? Each reason why not goes to the
     * plan's refusals. */
    enum sc_result (*audit_log_check)(struct target *target, struct plan *plan, struct sc_error *err);
    /* The source's rows as the log would have them inserted: values in the order of the log's columns, byte for byte
     * the same text (JSON of MySQL: its text, of which audit_write_row() makes the same). All rows of `range` (NULL: of
     * the table) as they are at one moment, in no order, one after the other; what take() returns ends it unless it is
     * SC_OK, and the session is to be closed then. */
    enum sc_result (*audit_rows)(struct session *session, const struct chunk *range,
                                 enum sc_result (*take)(void *arg, const struct value *row, struct sc_error *err),
                                 void *arg, struct sc_error *err);

    /* Indexes and what else the ghost gets after the copy: jobs of one stage may run side by side, each on a session of
     * its own; a stage starts when the one before has ended. Done jobs are remembered. */
    int (*stage_count)(struct target *target);
    /* So many of the first stages may be done before the fence: they cannot fail on rows of different snapshots. */
    int (*stages_early)(struct target *target);
    int (*stage_jobs)(struct target *target, int stage);
    const char *(*job_name)(struct target *target, int stage, int job);
    enum sc_result (*job_run)(struct session *session, int stage, int job, struct sc_error *err);

    /* May this account find out for certain who holds a lock that the cutover waits for, and end them? Each reason why
     * not goes to `refusals`. plan() has it among its own when spec.kill_blockers_ms is set. */
    enum sc_result (*blockers_may_end)(struct target *target, struct strlist *refusals, struct sc_error *err);
    /* What the following tries may do to sessions in their way, and where they tell of them; NULL: nothing, and
     * nowhere. Ends only who holds, at that moment and by the server's own word, a lock that conflicts with what the
     * cutover waits for; never sessions of ours, of the server itself, of replication, nor prepared transactions. */
    void (*blockers_watch)(struct target *target, struct blockers *blockers);

    /* Cutover, on one session, in this order. ready: statistics, old snapshots, blockers that would make it pointless
     * now (SC_RETRY with the reason). lock: SC_RETRY on timeout, err names who holds the table. swap: checks the
     * catalog once more, swaps, commits. SC_RETRY: rolled back. SC_UNKNOWN: ask outcome(). unlock: gives up, nothing
     * happened. */
    enum sc_result (*cutover_ready)(struct session *session, struct sc_error *err);
    enum sc_result (*cutover_lock)(struct session *session, int timeout_ms, struct sc_error *err);
    enum sc_result (*cutover_swap)(struct session *session, struct sc_error *err);
    void (*cutover_unlock)(struct session *session);
    enum sc_result (*cutover_outcome)(struct target *target, enum swap_outcome *out, struct sc_error *err);

    /* After the swap: validates constraints, removes log position and state, drops the old table if told to.
     * Idempotent. `notes` gets what the operator should know (where the old table is, constraints that could not be
     * validated). */
    enum sc_result (*finish)(struct target *target, struct strlist *notes, struct sc_error *err);
    /* Removes everything of this migration (spec.id, or the one of spec.table); the source table stays. Idempotent.
     * Called after begin() by a run whose source reader is stopped, or right after open() by `seachange abort`: then it
     * takes the migration's lock itself. SC_REFUSE: another instance holds the lock, or there is no such migration.
     * `removed` is filled also when it fails half-way. */
    enum sc_result (*abort)(struct target *target, struct strlist *removed, struct sc_error *err);

    /* All migrations stored on this server's database, and objects of ours that no stored one explains. *out is the
     * caller's. */
    enum sc_result (*list)(struct target *target, struct listed **out, size_t *count, struct sc_error *err);
};
void listed_free(struct listed *list, size_t count);

#endif
