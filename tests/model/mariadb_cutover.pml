/* MariaDB's cutover on three connections: applier/mysql/cutover_mariadb.c, cutover.c, sessions.c.
 *
 * Modelled: the metadata locks of the three names (who holds, who waits; a waiting exclusive lock goes before everybody
 * who reads or writes, exclusive locks among themselves in order of arrival), the server's threads of the lock and the
 * rename connection, which live on when their client is gone, two writers, a reader of the ghost, somebody's TRUNCATE,
 * connections that are cut for the client alone or for both sides, a KILL that gets no answer, a process that dies and
 * is started again. One row of the log is one write.
 *
 * Left out: time (every wait may end at any moment), triggers, foreign keys, AUTO_INCREMENT, snapshots of others, the
 * second instance that takes over (it begins like the one that is started again).
 *
 *# holds   -DTRIES=1 -DFAULTS=2 -DWRITES=1
 *# holds   -DTRIES=1 -DFAULTS=1
 *# holds   -DTRIES=2 -DFAULTS=1 -DWRITES=1 -DNO_TRUNCATE
 *# holds   -DTRIES=1 -DFAULTS=1 -DWRITES=1 -DNO_TRUNCATE -DCRASH
 *# mutant  NO_PROOF                  write_lost -DTRIES=1
 *# mutant  UNLOCK_ANYWAY             write_lost -DTRIES=1
 *# mutant  GHOST_SORTS_FIRST         write_lost -DTRIES=1
 *# mutant  QUEUE_LOOKED_AT_BEFORE    write_lost -DTRIES=1
 *# mutant  LOST_RENAME_IS_OVER       write_lost -DTRIES=1 -DJUST_WRITES
 *# mutant  MARKER_BEFORE_LOCK        write_lost -DTRIES=1
 *# mutant  NO_SENTRY                 write_lost -DTRIES=1 -DJUST_WRITES
 *# mutant  SENTRY_DROPPED_FIRST      write_lost -DTRIES=1 -DJUST_WRITES
 *# mutant  LOST_SESSIONS_NOT_ENDED   told_wrong -DTRIES=1
 *# mutant  LOST_LOCK_FORGOTTEN       waits_for_ever -DTRIES=1
 *# mutant  RESUME_ENDS_NO_SESSIONS   told_wrong -DTRIES=1 -DCRASH -DWRITES=1 -DNO_TRUNCATE -DFAULTS=0
 *# reaches SWAP                      reached_swap -DTRIES=1
 *# reaches SWAP_AFTER_CRASH          reached_swap -DTRIES=1 -DCRASH
 *# reaches SWAP_AT_SECOND_TRY        reached_swap -DTRIES=2
 */
#include "common.pml"

bit write_lost, waits_for_ever, reached_swap;
#ifdef JUST_WRITES
bit told_wrong = 1; /* a mutant that tells wrongly, too */
#else
bit told_wrong;
#endif

#ifndef TRIES
#define TRIES 2
#endif
#ifndef FAULTS
#define FAULTS 2 /* connections that break, KILLs that get no answer */
#endif
#ifndef WRITES
#define WRITES 2
#endif

/* --- the server: names, tables, locks ------------------------------------------------------------------------------ */

#define T 0 /* the table's name; the third one, under which the sentry stands, and then the old table, is S */
#define G 1 /* the ghost's */

byte shared[2];                /* readers and writers */
byte owner[2];                 /* of the exclusive lock; 0: nobody */
byte owner_s;                  /* of the sentry: who has LOCK TABLES */
bit lock_waits;                /* LOCK TABLES waits: who comes later waits behind it */
chan queue[2] = [3] of {byte}; /* who waits for an exclusive lock */

bit swapped;  /* T is the ghost now, S the source */
bit sentry;   /* it stands at S */
byte logged;  /* writes to the source: all are in the log */
byte applied; /* so many are in the ghost, committed with the checkpoint */
byte faults = FAULTS;

/* Owners: 1 somebody's TRUNCATE; 2 + 2 * n and 3 + 2 * n the lock and the rename connection of the n-th pair. */
#define OTHER 1
#define PAIRS (TRIES + 1)
#define THREADS (2 + 2 * PAIRS)

mtype = {none, lock_tables, drop_sentry, unlock_tables, rename_tables, ok, failed, unknown};
chan to[THREADS] = [2] of {mtype};
mtype from[THREADS];     /* the answer to the last statement */
bit open[THREADS];       /* the thread is there */
bit closed[THREADS];     /* the client is gone, and the server finds it when it next reads */
bit cut[THREADS];        /* the client finds the connection broken */
bit kill_query[THREADS];
bit kill_thread[THREADS];
bit waits[THREADS];      /* PROCESSLIST: Waiting for table metadata lock */
bit over[THREADS];       /* the program has said of this one's RENAME that it swapped nothing and never will */

/* A waiting exclusive lock goes before everybody who reads or writes. */
#define shared_free(o) (owner[o] == 0 && empty(queue[o]) && !(o == T && lock_waits))
#define exclusive_free(o, me) (owner[o] == 0 && shared[o] == 0 && queue[o]?[eval(me)])

inline end_of_thread(me)
{
    open[me] = 0;
    kill_thread[me] = 0;
    kill_query[me] = 0;
    waits[me] = 0;
    closed[me] = 0;
    cut[me] = 1
}

/* Idle, a thread finds out at once that its client is gone. */
#define must_end(me) (kill_thread[me] || (closed[me] && len(to[me]) == 0))

proctype LockThread(byte me)
{
end_idle:
    do
    :: atomic { to[me]?lock_tables -> lock_waits = 1 }
        /* LOCK TABLES source WRITE, sentry WRITE. */
        if
        :: atomic { owner[T] == 0 && shared[T] == 0 && empty(queue[T]) && owner_s == 0 ->
                owner[T] = me; owner_s = me; lock_waits = 0; from[me] = ok }
        :: atomic { kill_query[me] || kill_thread[me] -> lock_waits = 0; kill_query[me] = 0; from[me] = failed }
        fi
    :: d_step { to[me]?drop_sentry ->
            if
            :: owner_s == me && sentry -> sentry = 0; from[me] = ok
            :: else -> from[me] = failed
            fi }
    :: d_step { to[me]?unlock_tables ->
            if :: owner[T] == me -> owner[T] = 0; owner_s = 0 :: else fi;
            from[me] = ok }
    :: atomic { must_end(me) || (faults > 0 && owner[T] == me) ->
            if :: must_end(me) :: !must_end(me) -> faults-- fi;
            if :: owner[T] == me -> owner[T] = 0; owner_s = 0 :: else fi;
            end_of_thread(me);
            break }
    od
}

inline want(o)
{
    atomic { queue[o]!me; waits[me] = 1 }
    if
    :: atomic { exclusive_free(o, me) -> queue[o]?eval(me); owner[o] = me; waits[me] = 0 }
    :: atomic { kill_query[me] || kill_thread[me] || faults > 0 ->
            if :: kill_query[me] || kill_thread[me] :: else -> faults--; kill_thread[me] = 1 fi;
            queue[o]??eval(me); waits[me] = 0; what = failed }
    fi
}

/* One that waits does not notice that its client is gone. It changes all that it changes at once. */
proctype RenameThread(byte me)
{
    mtype what;
end_idle:
    do
    :: atomic { to[me]?what ->
            /* A KILL QUERY that came before the statement may be forgotten. */
            if :: kill_query[me] = 0 :: kill_query[me] fi }
#ifdef GHOST_SORTS_FIRST
        want(G);
        if :: what != failed -> want(T) :: else fi;
#else
        want(T);
        if :: what != failed -> want(G) :: else fi;
#endif
        atomic {
            what == failed || owner_s == 0 ->
            from[me] = failed;
            if
            :: what != failed && !sentry && !swapped ->
                MUST(applied == logged, write_lost);
                MUST(!over[me], told_wrong);
                swapped = 1;
                from[me] = ok
            :: else
            fi;
            if :: owner[T] == me -> owner[T] = 0 :: else fi;
            if :: owner[G] == me -> owner[G] = 0 :: else fi;
            kill_query[me] = 0;
            what = 0
        }
    :: d_step { must_end(me) -> end_of_thread(me) } break
    od
}

/* --- others -------------------------------------------------------------------------------------------------------- */

byte written;

/* The name is looked up when the lock is granted; the change is in the log before the lock is given back. */
proctype Writer()
{
    do
    :: written < WRITES ->
        atomic { shared_free(T) -> shared[T]++; if :: !swapped -> logged++ :: else fi }
        atomic { shared[T]--; written++ }
    :: written == WRITES -> break
    od
}

/* gh-ost's #887: somebody reads the ghost, and so keeps a RENAME from it. */
proctype Reader()
{
    if :: shared[G] > 0 -> shared[G]-- :: shared[G] == 0 fi
}

/* TRUNCATE, or other DDL: it waits for an exclusive lock of the source, and is a change in the log. */
proctype Truncate()
{
#ifndef NO_TRUNCATE
    if
    :: queue[T]!OTHER;
        atomic { exclusive_free(T, OTHER) -> queue[T]?eval(OTHER); if :: !swapped -> logged++ :: else fi }
    :: skip
    fi
#else
    skip
#endif
}

/* --- the program --------------------------------------------------------------------------------------------------- */

bit program_done, told_swapped, died, crash;
byte pair, tries; /* pair: of connections in use */
bit left_behind;  /* neither the lock connection nor the one that would KILL it can be reached any more */
bit my_sentry, renaming, gone, ended;
byte marker, i;
mtype result;

#define LK (2 + 2 * pair)
#define RN (3 + 2 * pair)

/* The program's steps are atomic from one answer to the next statement; what is not is a place where it can die. */

/* A statement is sent. Where the connection breaks the server may get it all the same. */
inline send(id, statement)
{
    if
    :: !cut[id] -> from[id] = none; to[id]!statement
    :: !cut[id] && faults > 0 -> faults--; from[id] = none; cut[id] = 1;
        if :: to[id]!statement :: skip fi;
        if :: closed[id] = 1 :: skip fi
    :: cut[id]
    fi
}

/* Waits until there is an answer, or the connection is found broken. */
#define answered(id) (from[id] != none && !cut[id])
inline breaks(id)
{
    faults--;
    cut[id] = 1;
    if :: closed[id] = 1 :: skip fi
}
inline read_answer(id)
{
    if
    :: cut[id] || answered(id)
    :: !cut[id] && faults > 0 -> breaks(id)
    fi
}

/* KILL QUERY on the control connection, which may break itself. */
inline interrupt(id)
{
    if
    :: kill_query[id] = open[id]
    :: faults > 0 -> faults--
    fi
}

/* my_sessions_wait_lost(): KILL until the server does not know the thread. `gone`: it is so. */
inline end_thread(id)
{
    if
    :: open[id] -> kill_thread[id] = 1; !open[id]; gone = 1
    :: !open[id] -> gone = 1
    :: faults > 0 -> faults--; gone = 0
    fi
}

/* Until it is ended on the server, it may hold the table. */
inline end_lost_lock()
{
#ifndef LOST_LOCK_FORGOTTEN
    if :: cut[LK] -> end_thread(LK); left_behind = !gone :: !cut[LK] fi
#else
    skip
#endif
}

inline end_rename()
{
    atomic {
        ended = 1;
        if
        :: renaming -> interrupt(RN)
        :: else -> goto fp_cutover_before_unlock
        fi
    }
    /* The answer, or none as long as is waited. */
    atomic {
        if
        :: answered(RN) -> renaming = 0
        :: !answered(RN) -> end_thread(RN); cut[RN] = 1; ended = gone; renaming = 0
        fi
    }
}

/* DROP TABLE of the sentry waits for whoever uses it, for some time. */
inline unlock()
{
    end_rename();
fp_cutover_before_unlock:
    atomic { if :: !cut[LK] -> send(LK, unlock_tables) :: cut[LK] fi }
    atomic { read_answer(LK) }
    atomic {
        if
        :: ended && my_sentry ->
            if :: owner_s == 0 -> sentry = 0 :: skip fi
        :: else
        fi
    }
    atomic { end_lost_lock() }
}

/* The table is the RENAME's now, or it waits for somebody who reads the ghost. */
inline finish_rename()
{
    atomic {
        if
        :: cut[RN] || answered(RN) -> goto rename_ended
        :: !cut[RN] && !answered(RN) -> interrupt(RN)
        fi
    }
    atomic { if :: cut[RN] || answered(RN) :: !answered(RN) -> cut[RN] = 1 fi }
rename_ended:
    atomic {
        renaming = 0;
        result = (cut[RN] -> unknown : from[RN])
    }
}

inline prove_waiting()
{
    atomic {
        if
        /* The server shows this thread at that wait, and it has not answered. */
        :: waits[RN] && !cut[RN]
        :: answered(RN) -> renaming = 0; result = (from[RN] == ok -> unknown : failed)
        :: cut[RN] || faults > 0 ->
            if :: !cut[RN] -> breaks(RN) :: cut[RN] fi;
            result = failed;
#ifdef LOST_RENAME_IS_OVER
            renaming = 0
#endif
        /* Not seen waiting in time. */
        :: !cut[RN] && !answered(RN) ->
#ifndef UNLOCK_ANYWAY
            result = failed
#endif
        fi
    }
}

/* Does somebody wait for an exclusive lock, and not our RENAME? They may be the next. */
inline check_queue()
{
    atomic { if :: queue[T]??[OTHER] -> result = failed :: !(queue[T]??[OTHER]) fi }
}

inline swap()
{
    skip;
#ifdef QUEUE_LOOKED_AT_BEFORE
    check_queue();
    if :: result == ok :: else -> goto swap_failed fi;
#endif
fp_rename_before_send:
    atomic { renaming = 1; send(RN, rename_tables) }
fp_rename_after_send:
#ifndef NO_PROOF
    prove_waiting();
    if :: result == ok :: else -> goto swap_failed fi;
#endif
#ifndef QUEUE_LOOKED_AT_BEFORE
    check_queue();
    if :: result == ok :: else -> goto swap_failed fi;
#endif
fp_rename_proven:
    atomic { send(LK, drop_sentry) }
    atomic {
        read_answer(LK);
        if
        :: answered(LK) && from[LK] == ok -> my_sentry = 0
        :: answered(LK) && from[LK] != ok -> result = failed; goto swap_failed
        :: cut[LK] -> goto fp_table_unlocked
        fi
    }
fp_sentry_dropped:
    atomic { send(LK, unlock_tables) }
    atomic { read_answer(LK) }
fp_table_unlocked:
    atomic { end_lost_lock() }
    finish_rename();
swap_failed:
    skip
}

/* One try; `result`: ok, failed (and nothing was swapped). */
inline try_once()
{
    atomic {
        result = ok; renaming = 0; my_sentry = 0;
        open[LK] = 1; run LockThread(LK);
        open[RN] = 1; run RenameThread(RN);
        /* What was lost in the try before is ended. */
        if
        :: pair > 0 -> end_thread(RN - 2);
#ifndef LOST_LOCK_FORGOTTEN
            if :: gone -> end_thread(LK - 2); left_behind = !gone :: else fi
#endif
        :: else -> gone = 1
        fi;
        if
        :: !gone -> result = failed; goto try_failed
#ifndef NO_SENTRY
        /* One that was left behind is made anew. */
        :: gone && !swapped && owner_s == 0 -> sentry = 1; my_sentry = 1
        :: gone && (swapped || owner_s != 0) -> result = failed; goto try_failed
#else
        :: gone
#endif
        fi
    }
#ifdef MARKER_BEFORE_LOCK
    marker = logged;
#endif
fp_cutover_before_lock:
    atomic { send(LK, lock_tables) }
    atomic {
        if
        :: cut[LK] || answered(LK) -> goto lock_answered
        :: !cut[LK] && !answered(LK) -> interrupt(LK)
        fi
    }
    atomic { if :: cut[LK] || answered(LK) :: !answered(LK) -> cut[LK] = 1 fi }
lock_answered:
    atomic {
        if
        :: answered(LK) && from[LK] == ok
        :: else -> result = failed; goto try_failed
        fi
    }
fp_cutover_after_lock:
#ifndef MARKER_BEFORE_LOCK
    marker = logged;
#endif
fp_cutover_after_marker:
    /* Drained in the session's transaction, with the checkpoint; it may be given up, or its connection break. */
    atomic {
        if
        :: applied = marker
        :: faults > 0 -> faults--; result = failed; if :: applied = marker :: skip fi; goto try_failed
        fi
    }
fp_cutover_after_drain:
#ifdef SENTRY_DROPPED_FIRST
    atomic { send(LK, drop_sentry) }
    atomic { read_answer(LK) }
#endif
    swap();
try_failed:
    if
    :: result == unknown ->
        /* my_cutover_outcome() is asked until the server answers. */
#ifndef LOST_SESSIONS_NOT_ENDED
        do :: atomic { end_thread(RN); if :: gone -> break :: else fi } od;
#endif
fp_cutover_outcome:
        result = (swapped -> ok : failed)
    :: result == failed -> unlock()
    :: result == ok
    fi
}

/* A process that begins: sessions of one that died are ended (target.c, begin()), then the tables are asked. */
inline begin_run()
{
#ifndef RESUME_ENDS_NO_SESSIONS
    atomic {
        i = 2;
        do
        :: i < THREADS -> kill_thread[i] = open[i]; i++
        :: else -> i = 0; break
        od
    }
    !open[2] && !open[3] && !open[4] && !open[5] && (THREADS < 8 || (!open[6 % THREADS] && !open[7 % THREADS]));
#endif
    atomic {
        if
        :: swapped -> told_swapped = 1
        :: else ->
            i = 2;
            do
            :: i < THREADS -> over[i] = open[i]; i++
            :: else -> i = 0; break
            od;
            applied = logged
        fi
    }
}

proctype Program()
{
    {
        if :: died -> begin_run() :: else fi;
        do
        :: told_swapped || tries == TRIES -> break
        :: !told_swapped && tries < TRIES ->
            tries++;
            try_once();
            atomic {
                if
                :: result == ok -> MUST(swapped, told_wrong); told_swapped = 1
                :: else ->
                    MUST(!swapped, told_wrong);
                    over[RN] = 1;
                    applied = logged /* the applier goes on */
                fi;
                if :: !cut[LK] -> closed[LK] = 1 :: else fi;
                if :: !cut[RN] -> closed[RN] = 1 :: else fi;
                if :: tries < TRIES && !told_swapped -> pair++ :: else fi
            }
        od;
#ifdef SWAP
        MUST(!told_swapped, reached_swap);
#endif
#ifdef SWAP_AFTER_CRASH
        MUST(!told_swapped || !died, reached_swap);
#endif
#ifdef SWAP_AT_SECOND_TRY
        MUST(!told_swapped || tries == 1, reached_swap);
#endif
        atomic { result = 0; renaming = 0; my_sentry = 0; gone = 0; ended = 0; marker = 0; program_done = 1 }
    }
#ifdef CRASH
    unless {
        atomic {
            crash -> crash = 0;
            died = 1;
            closed[LK] = open[LK];
            closed[RN] = open[RN];
            if :: tries > 0 -> pair++ :: else fi;
            if :: tries == TRIES -> tries-- :: else fi;
            result = 0; renaming = 0; my_sentry = 0; gone = 0; ended = 0; marker = 0;
            run Program()
        }
    }
#endif
}

#ifdef CRASH
proctype Crasher()
{
    if :: atomic { !program_done -> crash = 1 } :: skip fi
}
#endif

/* Nobody can go on: then everybody must have come to their end. */
proctype Watch()
{
    timeout -> MUST(left_behind || (written == WRITES && shared[G] == 0 && empty(queue[T]) && program_done), waits_for_ever)
}

init {
    atomic {
        if :: shared[G] = 1 :: skip fi;
        run Writer();
        run Reader();
        run Truncate();
        run Program();
#ifdef CRASH
        run Crasher();
#endif
        run Watch()
    }
}
