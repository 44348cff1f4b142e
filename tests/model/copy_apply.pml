/* Copying and applying: applier/copy.c, gate.c, apply.c, and the copies of applier/postgres (snapshots) and
 * applier/mysql (row locks), chosen with -DPOSTGRES or -DMYSQL.
 *
 * Modelled: two keys, each a chunk of its own with its own worker; writers that insert, update, delete and move rows, each in
 * three steps: row locks taken, commit record in the log (from here on it is delivered), seen by others and locks gone. The
 * gate; batches that end anywhere in the log, with their checkpoint; the lenient and the strict way of applying; the
 * fence; a commit whose answer is lost; a process that dies at any place and is started again, with what its sessions
 * still had under way on the server.
 *
 * Left out: columns (a change holds the whole row), folding (changes are applied one by one), parts, TRUNCATE, unique
 * indexes other than the key's, pieces of a chunk, rows that are read from the source to apply a change.
 *
 *# holds   -DPOSTGRES
 *# holds   -DMYSQL
 *# holds   -DPOSTGRES -DCRASH -DCHANGES=2
 *# holds   -DMYSQL -DCRASH -DCHANGES=2
 *# holds   -DPOSTGRES -DCOPY_OVERWRITES -DCHANGES=2
 *# holds   -DMYSQL -DNO_GATE -DCHANGES=2
 *# mutant  NO_GATE                  ghost_differs -DPOSTGRES -DCHANGES=2
 *# mutant  NO_WAIT_TO_BE_SEEN       ghost_differs -DPOSTGRES -DCHANGES=2
 *# mutant  SEEN_BEHIND_THE_BATCH    ghost_differs -DPOSTGRES -DCHANGES=2 -DCRASH
 *# mutant  START_UNSEEN             ghost_differs -DPOSTGRES -DCHANGES=2
 *# mutant  START_BEHIND_COPY        ghost_differs -DPOSTGRES -DCHANGES=2
 *# mutant  MOVE_LEAVES_OLD          ghost_differs -DPOSTGRES -DCHANGES=2
 *# mutant  GATE_LEFT_WHEN_LOST      ghost_differs -DPOSTGRES -DCHANGES=2
 *# mutant  CHECKPOINT_AHEAD         ghost_differs -DPOSTGRES -DCHANGES=2 -DCRASH
 *# mutant  CHECKPOINT_BEHIND        strict_differs -DPOSTGRES -DCHANGES=2 -DCRASH
 *# mutant  APPLIED_AGAIN            strict_differs -DPOSTGRES -DCHANGES=2
 *# mutant  FENCE_IN_THE_COPY        strict_differs -DPOSTGRES -DCHANGES=2
 *# mutant  RESUME_ENDS_NO_SESSIONS  ghost_differs -DPOSTGRES -DCHANGES=2 -DCRASH
 *# mutant  PLAIN_READ               ghost_differs -DMYSQL -DCHANGES=2
 *# mutant  START_BEHIND_COPY_MYSQL  ghost_differs -DMYSQL -DCHANGES=2
 *# mutant  CHECKPOINT_AHEAD_MYSQL   ghost_differs -DMYSQL -DCHANGES=2 -DCRASH
 *# reaches END                      reached_end -DPOSTGRES
 *# reaches END_MYSQL                reached_end -DMYSQL
 *# reaches END_AFTER_CRASH          reached_end -DPOSTGRES -DCRASH
 *# reaches STRICT_CHANGE            reached_strict -DPOSTGRES
 */
#include "common.pml"

#ifdef START_BEHIND_COPY_MYSQL
#define START_BEHIND_COPY
#endif
#ifdef CHECKPOINT_AHEAD_MYSQL
#define CHECKPOINT_AHEAD
#endif

bit ghost_differs, strict_differs, waits_for_ever, reached_end, reached_strict;

#ifndef CHANGES
#define CHANGES 3
#endif
#define KEYS 2

/* --- the server ---------------------------------------------------------------------------------------------------- */

/* What a row is: 0 is none; each change writes a number of its own. */
byte source[KEYS]; /* as it is seen */
bit row_lock[KEYS];
bit share_lock[KEYS]; /* of the copy's locking read */

mtype = {insert, update, delete, move};
mtype what[CHANGES];
byte key[CHANGES];
bit seen[CHANGES]; /* the transaction of this place in the log is in every new snapshot */
byte logged;
byte written; /* changes that were begun */
byte writers_done;

byte ghost[KEYS];
bit copied[KEYS]; /* the chunk is recorded */
byte applied;     /* the checkpoint */
bit fenced;

#define VALUE(place) (3 + place)

#define free(k) (!row_lock[k] && !share_lock[k])

proctype Writer(byte mine)
{
    byte k, at;
    mtype op;
    do
    :: atomic { written < CHANGES && written >= mine /* they are alike: the first begins */ && (free(0) || free(1)) ->
            if :: free(0) -> k = 0 :: free(1) -> k = 1 fi;
            written++;
            row_lock[k] = 1;
            if
            :: source[k] == 0 -> op = insert
            :: source[k] != 0 -> op = update
            :: source[k] != 0 -> op = delete
            :: source[k] != 0 && source[1 - k] == 0 && free(1 - k) -> op = move; row_lock[1 - k] = 1
            fi }
        d_step { at = logged; what[at] = op; key[at] = k; logged++ }
        d_step {
            if
            :: op == delete -> source[k] = 0
            :: op == move -> source[k] = 0; source[1 - k] = VALUE(at); row_lock[1 - k] = 0
            :: else -> source[k] = VALUE(at)
            fi;
            seen[at] = 1;
            row_lock[k] = 0;
            k = 0; at = 0; op = 0
        }
    :: atomic { written == CHANGES -> writers_done++; break }
    od
}

/* --- the program: what it knows is gone with it ------------------------------------------------------------------- */

#ifndef LOSSES
#define LOSSES 1
#endif
bit losses = LOSSES; /* commits whose answer is lost */
#ifdef CRASH
bit crashes = 1;
#else
bit crashes;
#endif
bit crashed;

mtype = {preparing, starting, copying, ended};
mtype state = preparing;
byte in_gate; /* chunks in flight */
bit applying;
bit in_flight[KEYS]; /* a chunk's transaction is open */
bit zombie[KEYS];    /* and whoever opened it is gone */
byte snapshot[KEYS];
byte upto;    /* the batch that was gathered; 0: none */
bit at_gate;  /* it may be applied */
byte marker;  /* 1 + its place in the log */
#if defined(CHECKPOINT_AHEAD) || defined(CHECKPOINT_BEHIND)
byte before;
#endif

#ifdef NO_GATE
#define may_copy 1
#define may_apply 1
#else
#define may_copy (!applying)
#define may_apply (in_gate == 0)
#endif

inline commit_chunk(k)
{
    if
#ifdef COPY_OVERWRITES
    :: snapshot[k] != 0 -> ghost[k] = snapshot[k]
#else
    :: ghost[k] == 0 -> ghost[k] = snapshot[k]
#endif
    :: else
    fi;
    copied[k] = 1;
    end_chunk(k)
}

inline end_chunk(k)
{
    share_lock[k] = 0;
    in_flight[k] = 0;
    zombie[k] = 0;
    snapshot[k] = 0
}

/* One change, as it is found in the log. */
inline apply_change(place, strict)
{
    k = key[place];
    if
    :: what[place] == insert ->
        MUST(!strict || ghost[k] == 0, strict_differs);
        ghost[k] = VALUE(place)
    :: what[place] == update ->
        MUST(!strict || ghost[k] != 0, strict_differs);
#ifdef POSTGRES
        /* Where there is no row, its chunk is still to come. */
        if :: ghost[k] != 0 -> ghost[k] = VALUE(place) :: else fi
#else
        ghost[k] = VALUE(place)
#endif
    :: what[place] == delete ->
        MUST(!strict || ghost[k] != 0, strict_differs);
        ghost[k] = 0
    :: what[place] == move ->
        MUST(!strict || (ghost[k] != 0 && ghost[1 - k] == 0), strict_differs);
        ghost[1 - k] = VALUE(place);
#ifndef MOVE_LEAVES_OLD
        ghost[k] = 0
#endif
    fi;
    k = 0
}

/* A batch is one transaction with its checkpoint. */
inline apply_batch()
{
    at = applied;
    do
    :: at < upto ->
        apply_change(at, fenced);
#ifdef STRICT_CHANGE
        MUST(!fenced, reached_strict);
#endif
        at++
    :: else -> break
    od;
    at = 0
}


#define all_seen(n) ((n < 1 || seen[0]) && (n < 2 || seen[1]) && (n < CHANGES || seen[CHANGES - 1]))

inline forget_batch()
{
    applying = 0;
    at_gate = 0;
    upto = 0
}


#if defined(POSTGRES) && !defined(START_UNSEEN)
#define may_start all_seen(applied)
#else
#define may_start 1
#endif
#if defined(POSTGRES) && !defined(NO_WAIT_TO_BE_SEEN) && !defined(SEEN_BEHIND_THE_BATCH)
#define may_change all_seen(upto)
#else
#define may_change 1
#endif
#if defined(POSTGRES) || defined(PLAIN_READ)
#define may_read(k) 1
#define lock_read(k) skip
#else
#define may_read(k) (!row_lock[k])
#define lock_read(k) share_lock[k] = 1
#endif

byte at, k;

proctype Program()
{
    do
    /* fp_prepare_after_log_start */
    :: d_step { state == preparing -> state = starting;
#ifndef START_BEHIND_COPY
            applied = logged
#endif
        }
    /* fp_prepare_before_first_checkpoint. The slot's snapshot sees what is before its start; so must every other. */
    :: d_step {
            state == starting && may_start -> state = copying }

    /* fp_copy_chunk_begin. FOR SHARE NOWAIT: while somebody holds the row, others have their turn at the gate. */
    :: d_step {
            state == copying && !copied[0] && !in_flight[0] && may_copy && may_read(0) -> in_gate++;
            snapshot[0] = source[0];
            in_flight[0] = 1;
            lock_read(0)
        }
    /* fp_copy_chunk_before_commit */
    :: d_step { in_flight[0] && !zombie[0] -> commit_chunk(0); in_gate-- }
    /* The answer is lost. Before the next session does anything the lost one is ended: it has committed, or not. */
#ifdef GATE_LEFT_WHEN_LOST
    :: d_step { in_flight[0] && !zombie[0] && losses > 0 -> losses--; zombie[0] = 1; in_gate-- }
#else
    :: atomic { in_flight[0] && !zombie[0] && losses > 0 -> losses--; in_gate--; end_chunk(0) }
#endif
    :: d_step { zombie[0] -> commit_chunk(0) }
    :: d_step { zombie[0] -> end_chunk(0) }
    /* The other chunk, in the same way. */
    :: d_step {
            state == copying && !copied[1] && !in_flight[1] && may_copy && may_read(1) -> in_gate++;
            snapshot[1] = source[1];
            in_flight[1] = 1;
            lock_read(1)
        }
    :: d_step { in_flight[1] && !zombie[1] -> commit_chunk(1); in_gate-- }
#ifdef GATE_LEFT_WHEN_LOST
    :: d_step { in_flight[1] && !zombie[1] && losses > 0 -> losses--; zombie[1] = 1; in_gate-- }
#else
    :: atomic { in_flight[1] && !zombie[1] && losses > 0 -> losses--; in_gate--; end_chunk(1) }
#endif
    :: d_step { zombie[1] -> commit_chunk(1) }
    :: d_step { zombie[1] -> end_chunk(1) }
#ifdef START_BEHIND_COPY
    :: d_step { state == copying && applied == 0 && (copied[0] || copied[1]) -> applied = logged }
#endif
    /* fp_copy_ended */
    :: d_step { state == copying && copied[0] && copied[1] -> state = ended }
    /* fp_fence_before_marker */
#ifdef FENCE_IN_THE_COPY
    :: d_step { (state == copying || state == ended) && !fenced && marker == 0 -> marker = 1 + logged }
#else
    :: d_step { state == ended && !fenced && marker == 0 -> marker = 1 + logged }
#endif

    /* fp_apply_batch_gathered. A batch ends anywhere; a marker ends it, too. */
    :: atomic {
            (state == copying || state == ended) && upto == 0 && applied < logged ->
            upto = applied + 1;
            do
            :: upto < logged && 1 + upto != marker -> upto++
            :: break
            od }
    /* fp_apply_batch_begin */
    :: d_step {
            upto > 0 && !at_gate && (state == ended || (may_apply && may_change)) -> at_gate = 1; if :: state == copying -> applying = 1 :: else fi }
#ifdef CHECKPOINT_AHEAD
    :: d_step { at_gate && applied < upto -> before = applied; applied = upto }
    :: d_step { at_gate && applied == upto -> applied = before; apply_batch(); applied = upto; before = 0; forget_batch() }
#else
#ifdef CHECKPOINT_BEHIND
    :: d_step { at_gate && before == 0 -> apply_batch(); before = 1 }
    :: d_step { at_gate && before == 1 -> applied = upto; before = 0; forget_batch() }
#else
#ifdef SEEN_BEHIND_THE_BATCH
    :: d_step { at_gate && applied < upto -> apply_batch(); applied = upto }
    :: d_step { at_gate && applied == upto && (state == ended || all_seen(upto)) -> forget_batch() }
#else
    /* fp_apply_batch_before_commit */
    :: d_step { at_gate -> apply_batch(); applied = upto; forget_batch() }
#ifdef APPLIED_AGAIN
    /* The answer is lost, and nobody looks at the checkpoint, which would tell that the batch is in. */
    :: d_step { at_gate && losses > 0 -> losses--; apply_batch(); forget_batch() }
#endif
#endif
#endif
#endif
    /* The marker has come back: fp_fence_before_store */
    :: d_step { marker > 0 && !fenced && applied >= marker - 1 && upto == 0 -> fenced = 1; marker = 0 }

    /* The process dies, anywhere. Its sessions are ended before the next does anything: a chunk is in, or it is not. */
    :: atomic { crashes > 0 -> crashes--;
            crashed = 1;
            if :: state == starting -> state = preparing :: state == ended -> state = copying :: else fi;
            k = 0;
            do
            :: k < KEYS && in_flight[k] ->
#ifdef RESUME_ENDS_NO_SESSIONS
                zombie[k] = 1;
#else
                if :: commit_chunk(k) :: end_chunk(k) fi;
#endif
                k++
            :: k < KEYS && !in_flight[k] -> k++
            :: k == KEYS -> k = 0; break
            od;
            in_gate = 0;
            marker = 0;
#if defined(CHECKPOINT_AHEAD) || defined(CHECKPOINT_BEHIND)
            before = 0;
#endif
            forget_batch() }

    :: atomic { writers_done == 2 && state == ended && fenced && applied == logged && upto == 0 -> crashes = 0; break }
    od
}

/* Nobody can go on: everybody has come to the end, and both tables are the same. */
proctype Watch()
{
    timeout ->
    MUST(writers_done == 2 && fenced && copied[0] && copied[1] && applied == logged, waits_for_ever);
    MUST(source[0] == ghost[0] && source[1] == ghost[1], ghost_differs);
#if defined(END) || defined(END_MYSQL)
    MUST(0, reached_end);
#endif
#ifdef END_AFTER_CRASH
    MUST(!crashed, reached_end);
#endif
}

init {
    atomic {
        source[0] = 1;
#ifndef ONE_ROW
        if :: source[1] = 2 :: skip fi;
#endif
        run Writer(0);
        run Writer(1);
        run Program();
        run Watch()
    }
}
