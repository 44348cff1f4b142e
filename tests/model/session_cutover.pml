/* The cutover in one session: applier/postgres/cutover.c and lock.c with -DPOSTGRES, applier/mysql/cutover.c and
 * cutover_mysql.c with -DMYSQL.
 *
 * Modelled: the lock, for which the session waits until all who use the table have ended, with everybody who comes later behind
 * it; the session's thread on the server, which lives on when its client is gone; the marker, the drain and the swap
 * (PostgreSQL: all in one transaction; MySQL: the drain is committed, and RENAME is the swap, which can be held by a backup);
 * commits that are in the log and not flushed (PostgreSQL); connections that break for the client alone or for
 * both sides, before a statement arrives or behind it; a KILL that gets no answer; a process that dies and is started again.
 *
 * Left out: time, views, foreign keys and their parents' locks, triggers, snapshots of others.
 *
 *# holds   -DPOSTGRES
 *# holds   -DMYSQL
 *# holds   -DPOSTGRES -DCRASH -DFAULTS=1
 *# holds   -DMYSQL -DCRASH -DFAULTS=1
 *# mutant  MARKER_BEFORE_LOCK       write_lost -DPOSTGRES
 *# mutant  MARKER_AT_FLUSH          write_lost -DPOSTGRES
 *# mutant  NO_DRAIN                 write_lost -DPOSTGRES
 *# mutant  UNKNOWN_IS_FAILED        told_wrong -DPOSTGRES
 *# mutant  LOST_SESSION_NOT_ENDED   told_wrong -DPOSTGRES
 *# mutant  LOST_LOCK_FORGOTTEN      waits_for_ever -DPOSTGRES
 *# mutant  RESUME_ENDS_NO_SESSIONS  told_wrong -DPOSTGRES -DCRASH
 *# mutant  MARKER_BEFORE_LOCK_MYSQL write_lost -DMYSQL
 *# mutant  DRAIN_GIVES_LOCK_BACK    write_lost -DMYSQL
 *# mutant  UNKNOWN_IS_FAILED_MYSQL  told_wrong -DMYSQL
 *# mutant  LOST_SESSION_MYSQL       told_wrong -DMYSQL
 *# mutant  LOST_LOCK_MYSQL          waits_for_ever -DMYSQL
 *# mutant  RESUME_MYSQL             told_wrong -DMYSQL -DCRASH
 *# reaches SWAP                     reached_swap -DPOSTGRES
 *# reaches SWAP_MYSQL               reached_swap -DMYSQL
 *# reaches SWAP_AFTER_CRASH         reached_swap -DPOSTGRES -DCRASH
 *# reaches SWAP_AT_SECOND_TRY       reached_swap -DMYSQL
 *# reaches SWAP_LEARNT              reached_swap -DPOSTGRES
 */
#include "common.pml"

#ifdef MARKER_BEFORE_LOCK_MYSQL
#define MARKER_BEFORE_LOCK
#endif
#ifdef UNKNOWN_IS_FAILED_MYSQL
#define UNKNOWN_IS_FAILED
#endif
#ifdef LOST_SESSION_MYSQL
#define LOST_SESSION_NOT_ENDED
#endif
#ifdef LOST_LOCK_MYSQL
#define LOST_LOCK_FORGOTTEN
#endif
#ifdef RESUME_MYSQL
#define RESUME_ENDS_NO_SESSIONS
#endif
#ifdef SWAP_MYSQL
#define SWAP
#endif

bit write_lost, told_wrong, waits_for_ever, reached_swap;

#define TRIES 2
#ifndef FAULTS
#define FAULTS 2
#endif
#define WRITES 2
#define SESSIONS (TRIES + 2)

/* --- the server ---------------------------------------------------------------------------------------------------- */

byte shared;     /* who uses the table */
byte owner;      /* of the exclusive lock, by session; 0: nobody */
byte waits;      /* the session that waits for it: who comes later stands behind it */
bit swapped;
byte logged;     /* writes to the source: commit records */
byte flushed;    /* of them; only these are delivered */
byte applied;    /* in the ghost, committed with the checkpoint */
byte drained;    /* in the session's transaction */
bit backup;      /* it keeps RENAME waiting (MySQL) */
byte faults = FAULTS;

mtype = {none, lock_table, swap_table, unlock_table, ok, failed, unknown};
chan to[SESSIONS] = [2] of {mtype};
mtype from[SESSIONS];
bit open[SESSIONS], closed[SESSIONS], cut[SESSIONS], kill_query[SESSIONS], kill_thread[SESSIONS];
bit over[SESSIONS]; /* the program has said that this one swapped nothing and never will */

#define must_end(me) (kill_thread[me] || (closed[me] && len(to[me]) == 0))

inline do_swap(me)
{
    MUST(drained == logged, write_lost);
    MUST(!over[me], told_wrong);
    swapped = 1;
    applied = drained;
    from[me] = ok
}

proctype Session(byte me)
{
end_idle:
    do
    :: atomic { to[me]?lock_table -> waits = me; if :: kill_query[me] = 0 :: kill_query[me] fi }
        if
        :: d_step { owner == 0 && shared == 0 -> owner = me; waits = 0; from[me] = ok }
        :: d_step { kill_query[me] || kill_thread[me] -> waits = 0; kill_query[me] = 0; from[me] = failed }
        fi
#ifdef POSTGRES
    /* COMMIT: what was drained and the swap, or nothing. */
    :: d_step { to[me]?swap_table ->
            if
            :: owner == me -> do_swap(me); owner = 0
            :: else -> from[me] = failed
            fi }
#else
    :: atomic { to[me]?swap_table -> if :: kill_query[me] = 0 :: kill_query[me] fi }
        if
        :: d_step { !backup && (owner == me || (owner == 0 && shared == 0)) && !swapped -> do_swap(me) }
        :: d_step { swapped -> from[me] = failed }
        :: d_step { kill_query[me] || kill_thread[me] -> kill_query[me] = 0; from[me] = failed }
        fi
#endif
    :: d_step { to[me]?unlock_table ->
            if :: owner == me -> owner = 0 :: else fi;
            from[me] = ok }
    /* Ended by its client, by us, or by somebody's KILL. */
    :: atomic { must_end(me) || (faults > 0 && owner == me) ->
            if :: must_end(me) :: !must_end(me) -> faults-- fi;
            if :: owner == me -> owner = 0 :: else fi;
            open[me] = 0; kill_thread[me] = 0; kill_query[me] = 0; closed[me] = 0; cut[me] = 1;
            break }
    od
}

byte written;
proctype Writer()
{
    do
    :: atomic { written < WRITES && owner == 0 && waits == 0 ->
            shared++;
            if
            :: !swapped -> logged++;
#ifdef POSTGRES
                if :: flushed = logged :: skip fi /* synchronous_commit = off */
#else
                flushed = logged
#endif
            :: else
            fi }
        d_step { shared--; written++ }
    :: written == WRITES -> break
    od
}

proctype Others()
{
    do
    :: backup -> backup = 0
    :: flushed < logged -> flushed = logged
    :: written == WRITES && !backup && flushed == logged -> break
    od
}

/* --- the program --------------------------------------------------------------------------------------------------- */

bit program_done, told_swapped, crashed, crash, left_behind, gone, learnt;
byte tries, s; /* s: the session in use */
byte marker, i;
mtype result;

inline send(statement)
{
    if
    :: !cut[s] -> from[s] = none; to[s]!statement
    :: !cut[s] && faults > 0 -> faults--; from[s] = none; cut[s] = 1;
        if :: to[s]!statement :: skip fi;
        if :: closed[s] = 1 :: skip fi
    :: cut[s]
    fi
}

#define answered (from[s] != none && !cut[s])

inline read_answer()
{
    if
    :: cut[s] || answered
    :: !cut[s] && faults > 0 -> faults--; cut[s] = 1; if :: closed[s] = 1 :: skip fi
    fi
}

/* Until the server does not know it any more. */
inline end_session(id)
{
    if
    :: open[id] -> kill_thread[id] = 1; !open[id]; gone = 1
    :: !open[id] -> gone = 1
    :: faults > 0 -> faults--; gone = 0
    fi
}

inline unlock()
{
    atomic { if :: !cut[s] -> send(unlock_table) :: cut[s] fi }
    atomic { read_answer() }
#ifndef LOST_LOCK_FORGOTTEN
    /* The server may not have noticed that it is gone, and would hold the table for as long. */
    atomic { if :: cut[s] -> end_session(s); left_behind = !gone :: !cut[s] fi }
#endif
}

inline try_once()
{
    atomic {
        s++;
        open[s] = 1;
        run Session(s);
        result = ok;
        drained = 0;
        learnt = 0;
#ifndef LOST_LOCK_FORGOTTEN
        if :: s > 1 -> end_session(s - 1); left_behind = !gone :: else -> gone = 1 fi;
        if :: !gone -> result = failed; goto try_failed :: gone fi
#endif
    }
#ifdef MARKER_BEFORE_LOCK
    marker = logged;
#endif
fp_cutover_before_lock:
    atomic { send(lock_table) }
    atomic {
        if
        :: cut[s] || answered -> goto lock_answered
        /* Not granted in time. */
        :: !cut[s] && !answered -> if :: kill_query[s] = open[s] :: faults > 0 -> faults-- fi
        fi
    }
    atomic { if :: cut[s] || answered :: !cut[s] && !answered -> cut[s] = 1 fi }
lock_answered:
    atomic {
        if
        :: answered && from[s] == ok
        :: !(answered && from[s] == ok) -> result = failed; goto try_failed
        fi
    }
fp_cutover_after_lock:
#ifndef MARKER_BEFORE_LOCK
#ifdef MARKER_AT_FLUSH
    marker = flushed;
#else
    /* Behind all that is in the log; and flushed, so that it comes back. */
    atomic { marker = logged; flushed = logged }
#endif
#endif
fp_cutover_after_marker:
    /* Drained in the session's transaction; it may be given up, or the connection found broken. */
    atomic {
        if
#ifdef NO_DRAIN
        :: drained = applied
#else
        :: drained = (marker > applied -> marker : applied)
#endif
        :: result = failed; goto try_failed
        fi
    }
fp_cutover_after_drain:
#ifdef MYSQL
    atomic {
        if
        :: open[s] -> applied = drained
        :: cut[s] -> result = failed; goto try_failed
        fi;
#ifdef DRAIN_GIVES_LOCK_BACK
        if :: owner == s -> owner = 0 :: else fi
#endif
    }
#endif
fp_cutover_before_swap:
    atomic { send(swap_table) }
    atomic {
        if
        :: cut[s] || answered
        :: !cut[s] && faults > 0 -> faults--; cut[s] = 1; if :: closed[s] = 1 :: skip fi
        /* MySQL: lock_wait_timeout ends it. */
        :: backup && !cut[s] && !answered -> kill_query[s] = open[s]; (cut[s] || answered)
        fi
    }
    atomic { result = (cut[s] -> unknown : from[s]) }
fp_cutover_after_swap:
    if
    :: result == unknown ->
#ifndef UNKNOWN_IS_FAILED
#ifndef LOST_SESSION_NOT_ENDED
        do :: atomic { end_session(s); if :: gone -> break :: !gone fi } od;
#endif
fp_cutover_outcome:
        atomic { result = (swapped -> ok : failed); learnt = 1 }
#else
        result = failed
#endif
    :: result != unknown
    fi;
try_failed:
    unlock()
}

proctype Program()
{
    {
        if
        :: crashed ->
            /* Sessions of a process that died are ended, then the tables are asked. */
#ifndef RESUME_ENDS_NO_SESSIONS
            atomic { kill_thread[1] = open[1]; kill_thread[2] = open[2]; kill_thread[3] = open[3] }
            (!open[1] && !open[2] && !open[3]);
            left_behind = 0;
#endif
            atomic { if :: swapped -> told_swapped = 1 :: else -> over[s] = 1; applied = logged; flushed = logged fi }
        :: else
        fi;
        do
        :: told_swapped || tries == TRIES -> break
        :: !told_swapped && tries < TRIES ->
            tries++;
            try_once();
            atomic {
                if
                :: result == ok -> MUST(swapped, told_wrong); told_swapped = 1
                :: else -> MUST(!swapped, told_wrong); over[s] = 1; applied = logged; flushed = logged
                fi;
                if :: !cut[s] -> closed[s] = 1 :: else fi
            }
        od;
#ifdef SWAP
        MUST(!told_swapped, reached_swap);
#endif
#ifdef SWAP_AFTER_CRASH
        MUST(!told_swapped || !crashed || result == 0, reached_swap);
#endif
#ifdef SWAP_AT_SECOND_TRY
        MUST(!told_swapped || tries == 1, reached_swap);
#endif
#ifdef SWAP_LEARNT
        MUST(!told_swapped || !learnt, reached_swap);
#endif
        program_done = 1
    }
#ifdef CRASH
    unless {
        atomic {
            crash -> crash = 0;
            crashed = 1;
            if :: s > 0 -> closed[s] = open[s] :: else fi;
            if :: tries == TRIES -> tries-- :: else fi;
            result = 0;
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

proctype Watch()
{
    timeout -> MUST(left_behind || (written == WRITES && program_done), waits_for_ever)
}

init {
    atomic {
#ifdef MYSQL
        if :: backup = 1 :: skip fi;
#endif
        run Writer();
        run Others();
        run Program();
#ifdef CRASH
        run Crasher();
#endif
        run Watch()
    }
}
