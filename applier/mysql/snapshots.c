/* Who still looks at the table as it was (correctness D9).
 *
 * The ghost's rows were written by the copy and by the applier, so a snapshot older than those writes does not see
 * them. A REPEATABLE READ transaction keeps its snapshot: one that took it before, and comes to the table only after
 * the swap, gets error 1412 (table definition has changed) if the snapshot is older than the ghost's last index, as it
 * does after a native ALTER; if it is younger, it sees the new table without what was applied since. Whoever has come
 * to the table before holds a lock on it and keeps the cutover from its own. READ COMMITTED takes a snapshot for each
 * statement, and SERIALIZABLE reads what is there.
 *
 * Whether a transaction has a snapshot cannot be seen from outside; that it is open can. So the cutover waits for
 * those that were open when the new table was first in step, and under its lock for a moment in which none is idle; for
 * --old-snapshot-wait in all, because on a busy server with this isolation there may be no such moment. */
#include <stdlib.h>
#include <string.h>

#include "applier/mysql/cutover.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/plant.h"

#define NAMED_MOST 5
/* The server looks again only when it was not asked for 100 ms (InnoDB, trx0i_s.cc: CACHE_MIN_IDLE_TIME_US). */
#define LOOK_EVERY_MS 110
/* How long short transactions that were under way are given to end, before and under the lock. */
#define BEFORE_MS 1500
#define UNDER_LOCK_MS 100
#define ER_NO_PRIVILEGE_NUMBER 1227
#define ER_CANNOT_CONVERT_STRING_NUMBER 3854

/* How a transaction is known again: the second it began in tells old ones apart, its number ones that follow each other
 * quickly. (The number alone does not do for old ones: it changes when the first row is written.) */
enum known_by { BY_START, BY_NUMBER, BY_EVENT };
static const char *const known[] = {
    [BY_START] = "x.trx_mysql_thread_id, x.trx_started",
    [BY_NUMBER] = "x.trx_mysql_thread_id, x.trx_started, x.trx_id",
    [BY_EVENT] = "p.ID, x.EVENT_ID",
};
static const char *const written[] = {
    [BY_START] = "x.trx_mysql_thread_id, ',\"', x.trx_started, '\"'",
    [BY_NUMBER] = "x.trx_mysql_thread_id, ',\"', x.trx_started, '\",\"', x.trx_id, '\"'",
    [BY_EVENT] = "p.ID, ',', x.EVENT_ID",
};

static const char list_sql[] =
    "SELECT CONCAT('(', %s, ')'), CONCAT('connection ', p.ID, ' (', p.USER, '@', p.HOST, ', in a transaction since ', "
    "x.trx_started, ')') FROM information_schema.INNODB_TRX x JOIN information_schema.PROCESSLIST p ON p.ID = "
    "x.trx_mysql_thread_id WHERE x.trx_isolation_level = 'REPEATABLE READ'%s ORDER BY x.trx_started";

/* MySQL cannot show INNODB_TRX at all while any session runs a statement with a character of four bytes in UTF-8: it
 * fails on the column with the statement's text, asked for or not. The performance schema can, but where it is told to
 * leave something out it is no proof, and it counts a transaction from BEGIN on, before there is a snapshot. */
static const char list_events_sql[] =
    "SELECT CONCAT('(', %s, ')'), CONCAT('connection ', p.ID, ' (', COALESCE(p.USER, '?'), '@', COALESCE(p.HOST, '?'), "
    "', in a transaction for ', ROUND(x.TIMER_WAIT / 1e12), ' s)') FROM performance_schema.events_transactions_current "
    "x "
    "JOIN (SELECT THREAD_ID, PROCESSLIST_ID AS ID, PROCESSLIST_USER AS USER, PROCESSLIST_HOST AS HOST, "
    "PROCESSLIST_COMMAND AS COMMAND FROM performance_schema.threads) p USING (THREAD_ID) WHERE x.STATE = 'ACTIVE' AND "
    "x.ISOLATION_LEVEL = 'REPEATABLE READ'%s ORDER BY x.TIMER_WAIT DESC";
static const char events_complete_sql[] =
    "SELECT 1 FROM DUAL WHERE 3 = (SELECT COUNT(*) FROM performance_schema.setup_consumers WHERE ENABLED = 'YES' AND "
    "NAME IN ('global_instrumentation', 'thread_instrumentation', 'events_transactions_current')) AND EXISTS (SELECT 1 "
    "FROM performance_schema.setup_instruments WHERE NAME = 'transaction' AND ENABLED = 'YES') AND NOT EXISTS (SELECT "
    "1 "
    "FROM performance_schema.threads WHERE TYPE = 'FOREGROUND' AND INSTRUMENTED = 'NO')";

struct open_transactions {
    enum known_by by;
    struct buf which; /* (1,"..."),(2,"...") */
    struct buf names; /* for people */
    char *except;     /* one more condition; NULL: none */
};

static void forget(struct open_transactions *o)
{
    buf_fini(&o->which);
    buf_fini(&o->names);
    mem_free(o->except);
}

static void wait_to_look(const struct target *t)
{
    int64_t early_ms = LOOK_EVERY_MS - (clock_us() - t->looked_us) / 1000;
    if (early_ms > 0)
        clock_sleep_ms(early_ms);
}

static enum sc_result cannot_tell(struct sc_error *err)
{
    error_set(err, SC_RETRY,
              "which transactions are open cannot be told: the server does not show INNODB_TRX while a session runs a "
              "statement with a character of four bytes");
    return error_hint(err, "Grant SELECT ON performance_schema.* to this account, and let its consumer "
                           "events_transactions_current be on, as it is by default.");
}

enum sc_result my_events_complete(struct target *t, bool *complete, struct sc_error *err)
{
    char *one = NULL;
    enum sc_result result = my_value(t->control, err, &one, events_complete_sql);
    *complete = one != NULL;
    mem_free(one);
    return result == SC_FAIL ? SC_OK : result;
}

static enum sc_result query(struct target *t, const char *condition, enum known_by by, MYSQL_RES **res,
                            struct sc_error *err)
{
    if (!t->by_events) {
        enum sc_result result = my_queryf(t->control, err, res, list_sql, written[by], condition);
        if (result != SC_FAIL || my_errno(t->control) != ER_CANNOT_CONVERT_STRING_NUMBER)
            return result;
        /* What is known by other marks is not known any more: looked at anew, and all of it. */
        t->by_events = true;
        mem_free(t->old_snapshots);
        t->old_snapshots = NULL;
        return cannot_tell(err);
    }
    bool complete = false;
    enum sc_result result = my_events_complete(t, &complete, err);
    if (result != SC_OK)
        return result;
    if (!complete) {
        t->by_events = false;
        mem_free(t->old_snapshots);
        t->old_snapshots = NULL;
        return cannot_tell(err);
    }
    return my_queryf(t->control, err, res, list_events_sql, written[BY_EVENT], condition);
}

/* Those that meet the condition. An account that may not see others' transactions waits for none. */
static enum sc_result list(struct target *t, const char *condition, struct open_transactions *o, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    wait_to_look(t);
    enum sc_result result = query(t, condition, o->by, &res, err);
    t->looked_us = clock_us();
    buf_clear(&o->which);
    buf_clear(&o->names);
    if (result == SC_FAIL && my_errno(t->control) == ER_NO_PRIVILEGE_NUMBER) {
        error_init(err);
        return SC_OK;
    }
    MYSQL_ROW row;
    for (int i = 0; result == SC_OK && (row = mysql_fetch_row(res)); i++) {
        if (!row[0] || !row[1])
            continue;
        buf_printf(&o->which, "%s%s", o->which.len ? "," : "", row[0]);
        if (i < NAMED_MOST)
            buf_printf(&o->names, "%s%s", o->names.len ? ", " : "", row[1]);
    }
    mysql_free_result(res);
    return result;
}

/* Those of them that are still there. */
static enum sc_result still(struct target *t, struct open_transactions *o, struct sc_error *err)
{
    if (o->which.len == 0)
        return SC_OK;
    char *these = mem_printf(" AND (%s) IN (%s)%s", known[t->by_events ? BY_EVENT : o->by], buf_cstr(&o->which),
                             o->except ? o->except : "");
    enum sc_result result = list(t, these, o, err);
    mem_free(these);
    return result;
}

static bool waited_enough(const struct target *t)
{
    return clock_us() - t->in_step_us >= t->spec.old_snapshot_wait_ms * 1000;
}

/* Waits until none of them is there any more, for a short time. */
static enum sc_result wait_for(struct target *t, int wait_ms, struct open_transactions *o, struct sc_error *err)
{
    int64_t until = clock_us() + (int64_t)wait_ms * 1000;
    enum sc_result result = SC_OK;
    while (result == SC_OK && o->which.len > 0 && clock_us() < until)
        result = still(t, o, err);
    return result;
}

static const char old_ones[] = "transactions from before the new table was in step are still open; under REPEATABLE "
                               "READ they would not see it as it is";

static enum sc_result refuse(const char *who, const struct open_transactions *o, struct sc_error *err)
{
    error_set(err, SC_RETRY, "%s: %s", who, o->names.data);
    return error_hint(err, "The cutover waits for them, for --old-snapshot-wait in all. Let them end, or end them.");
}

/* The first time what is open is what has to end. */
static enum sc_result look(struct target *t, struct open_transactions *o, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    if (!t->old_snapshots) {
        if (!t->in_step_us)
            t->in_step_us = clock_us();
        result = list(t, "", o, err);
        if (result == SC_OK)
            t->old_snapshots = mem_strdup(buf_cstr(&o->which));
    } else {
        buf_str(&o->which, t->old_snapshots);
        result = still(t, o, err);
    }
    return result;
}

/* Where blockers are to be ended, those that hold the table are not waited for here: they keep the cutover from its
 * lock, and have to be gone when it is granted. */
static enum sc_result pass_holders(struct target *t, struct open_transactions *o, struct sc_error *err)
{
    size_t found = o->which.len;
    o->except = found > 0 ? my_blockers_not_holding(t) : NULL;
    enum sc_result result = o->except ? still(t, o, err) : SC_OK;
    t->passed = o->which.len < found;
    return result;
}

/* One that was passed and is still there has let go of the table by a savepoint. */
static enum sc_result check_passed(struct target *t, struct sc_error *err)
{
    struct open_transactions o = {.by = BY_START};
    enum sc_result result = SC_OK;
    if (t->passed && t->old_snapshots && !waited_enough(t)) {
        buf_str(&o.which, t->old_snapshots);
        result = still(t, &o, err);
    }
    if (result == SC_OK && o.names.len > 0)
        result = refuse(old_ones, &o, err);
    forget(&o);
    return result;
}

enum sc_result my_snapshots_before(struct session *s, struct sc_error *err)
{
    if (PLANTED(D9_SNAPSHOTS_FROM_BEFORE))
        return SC_OK;
    struct target *t = s->target;
    struct open_transactions o = {.by = BY_START};
    bool by_events = t->by_events;
    enum sc_result result = t->in_step_us && waited_enough(t) ? SC_OK : look(t, &o, err);
    if (result == SC_RETRY && t->by_events != by_events)
        result = look(t, &o, err);
    if (result == SC_OK && !waited_enough(t))
        result = pass_holders(t, &o, err);
    if (result == SC_OK && !waited_enough(t))
        result = wait_for(t, BEFORE_MS, &o, err);
    if (result == SC_OK && o.which.len > 0 && !waited_enough(t))
        result = refuse(old_ones, &o, err);
    /* Nobody has to wait for us yet; under the lock they would. */
    wait_to_look(t);
    forget(&o);
    return result;
}

enum sc_result my_snapshots_under_lock(struct session *s, struct sc_error *err)
{
    if (PLANTED(D9_SNAPSHOTS_UNDER_LOCK) || PLANTED(D9_SNAPSHOTS_FROM_BEFORE))
        return SC_OK;
    struct target *t = s->target;
    struct open_transactions o = {.by = BY_NUMBER};
    enum sc_result result = check_passed(t, err);
    if (result == SC_OK && !waited_enough(t))
        result = list(t, " AND p.COMMAND = 'Sleep'", &o, err);
    /* Having come to wait for our lock meanwhile does not acquit: the snapshot is older than that. */
    if (result == SC_OK)
        result = wait_for(t, UNDER_LOCK_MS, &o, err);
    if (result == SC_OK && o.which.len > 0)
        result = refuse("open transactions hold a snapshot from before the swap (REPEATABLE READ) and could come to "
                        "the table after it",
                        &o, err);
    forget(&o);
    return result;
}
