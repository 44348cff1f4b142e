/* Sessions that keep the cutover from its locks: who they are, and, where the operator wants it, their end
 * (correctness D4).
 *
 * Ended is only who holds a metadata lock that conflicts with the one that our session waits for at that moment, by the
 * server's own word: performance_schema.metadata_locks, or MariaDB's plugin metadata_lock_info. Where there is neither,
 * those in the way are guessed for people, and nobody is ended. Only connections of clients are: no thread of
 * replication, no event, no dump of the log. A transaction that is prepared (XA) outlives its connection, and holds the
 * table all the same; a person must decide about it.
 *
 * An open transaction holds the lock until it ends, so the connection is ended, not its statement. The server gives
 * numbers of connections once; right before each KILL it is asked again whether this one still holds the lock. */
#include <inttypes.h>
#include <stdlib.h>

#include "applier/mysql/cutover.h"
#include "applier/mysql/ops.h"
#include "base/clock.h"
#include "base/log.h"

#define NAMED_MOST 5
#define ENDED_MOST 1000
#define ER_NO_SUCH_THREAD_NUMBER 1094

void my_blockers_watch(struct target *t, struct blockers *blockers)
{
    t->blockers = blockers;
}

/* --- who holds what we wait for ------------------------------------------------------------------------------------
 */

/* LOCK TABLES ... WRITE asks for SHARED_NO_READ_WRITE, ... READ for SHARED_READ_ONLY, RENAME for EXCLUSIVE (the
 * server's sql/mdl.cc has which of them conflict). %lu: our connection, which waits. */
#define WAITED_FOR                                                                                                     \
    " FROM performance_schema.metadata_locks w JOIN performance_schema.threads me ON me.THREAD_ID = w.OWNER_THREAD_ID" \
    " JOIN performance_schema.metadata_locks h ON h.OBJECT_TYPE = w.OBJECT_TYPE AND h.OBJECT_SCHEMA = "                \
    "w.OBJECT_SCHEMA AND h.OBJECT_NAME = w.OBJECT_NAME LEFT JOIN performance_schema.threads th ON th.THREAD_ID = "     \
    "h.OWNER_THREAD_ID LEFT JOIN performance_schema.events_transactions_current x ON x.THREAD_ID = th.THREAD_ID AND "  \
    "x.STATE = 'ACTIVE'"                                                                                               \
    " WHERE me.PROCESSLIST_ID = %lu AND w.OBJECT_TYPE = 'TABLE' AND w.LOCK_STATUS = 'PENDING' AND h.LOCK_STATUS = "    \
    "'GRANTED' AND h.OWNER_THREAD_ID <> w.OWNER_THREAD_ID AND CASE w.LOCK_TYPE WHEN 'EXCLUSIVE' THEN 1"                \
    " WHEN 'SHARED_NO_READ_WRITE' THEN h.LOCK_TYPE NOT IN ('SHARED', 'SHARED_HIGH_PRIO')"                              \
    " WHEN 'SHARED_READ_ONLY' THEN h.LOCK_TYPE IN ('SHARED_WRITE', 'SHARED_WRITE_LOW_PRIO', 'SHARED_NO_READ_WRITE', "  \
    "'EXCLUSIVE') ELSE 0 END"

/* The plugin shows locks that are granted, of all sessions. %s: the table's schema; its name, and maybe another. */
#define IN_PLUGIN                                                                                                      \
    " FROM information_schema.METADATA_LOCK_INFO m JOIN information_schema.PROCESSLIST p ON p.ID = m.THREAD_ID LEFT "  \
    "JOIN information_schema.INNODB_TRX i ON i.trx_mysql_thread_id = p.ID"                                             \
    " WHERE m.LOCK_TYPE = 'Table metadata lock' AND m.TABLE_SCHEMA = %s AND m.TABLE_NAME IN (%s)%s AND p.ID NOT IN "   \
    "(%lu, CONNECTION_ID())"
#define NOT_HARMLESS " AND m.LOCK_MODE NOT IN ('MDL_SHARED', 'MDL_SHARED_HIGH_PRIO')"

static const char schema_names[] =
    "SELECT DISTINCT COALESCE(CONCAT('connection ', th.PROCESSLIST_ID, ' (', COALESCE(th.PROCESSLIST_USER, '?'), '@', "
    "COALESCE(th.PROCESSLIST_HOST, '?'), ', ', LOWER(th.PROCESSLIST_COMMAND), ' for ', th.PROCESSLIST_TIME, ' s', "
    "IF(x.XA_STATE = 'PREPARED', ', a prepared transaction', ''), ')'), 'a prepared transaction')" WAITED_FOR;
static const char plugin_names[] =
    "SELECT DISTINCT CONCAT('connection ', p.ID, ' (', p.USER, '@', p.HOST, ', ', LOWER(p.COMMAND), ' for ', p.TIME, "
    "' s)')";
/* Where the server does not say who holds a table: the transactions that have been open longest. */
static const char transactions[] =
    "SELECT CONCAT('perhaps connection ', p.ID, ' (', p.USER, '@', p.HOST, ', in a transaction for ', " MY_TRX_OPEN_S(
        "x") ", ' s)') FROM information_schema.INNODB_TRX x JOIN information_schema.PROCESSLIST p ON p.ID = "
             "x.trx_mysql_thread_id WHERE p.ID NOT IN (%lu, CONNECTION_ID()) ORDER BY x.trx_started LIMIT 3";

/* The RENAME of MariaDB's cutover waits for the new table, too, and for whoever uses the source in any way. */
static char *plugin_sql(const struct target *t, const char *select, const struct my_conn *waiting, bool renames)
{
    struct buf schema = {0}, names = {0};
    my_add_literal(&schema, t->schema);
    my_add_literal(&names, t->name);
    if (renames) {
        buf_str(&names, ", ");
        my_add_literal(&names, t->ghost_name);
    }
    char *sql = mem_printf("%s" IN_PLUGIN, select, buf_cstr(&schema), buf_cstr(&names), renames ? "" : NOT_HARMLESS,
                           waiting->thread_id);
    buf_fini(&schema);
    buf_fini(&names);
    return sql;
}

/* Takes the statement. */
static bool add_names(struct my_conn *conn, char *sql, struct buf *out)
{
    MYSQL_RES *res = NULL;
    struct sc_error ignored;
    enum sc_result result = my_query(conn, &ignored, &res, sql);
    mem_free(sql);
    if (result != SC_OK)
        return false;
    my_ulonglong rows = mysql_num_rows(res);
    MYSQL_ROW row;
    for (int i = 0; i < NAMED_MOST && (row = mysql_fetch_row(res)); i++)
        buf_printf(out, "%s%s", i ? ", " : "", row[0] ? row[0] : "?");
    if (rows > NAMED_MOST)
        buf_printf(out, " and %llu more", (unsigned long long)(rows - NAMED_MOST));
    mysql_free_result(res);
    return rows > 0;
}

void my_blockers_name(struct target *t, const struct my_conn *waiting, bool renames, struct buf *out)
{
    if (t->server.family == MY_MARIADB && add_names(t->control, plugin_sql(t, plugin_names, waiting, renames), out))
        return;
    if (!add_names(t->control, mem_printf(schema_names, waiting->thread_id), out))
        add_names(t->control, mem_printf(transactions, waiting->thread_id), out);
}

/* --- ending them ---------------------------------------------------------------------------------------------------
 */

#define CLIENT_COMMANDS "('Sleep', 'Query', 'Execute', 'Prepare', 'Fetch')"
#define NOT_CLIENTS "('system user', 'event_scheduler')"

static const char schema_holders[] =
    "SELECT DISTINCT th.PROCESSLIST_ID AS id, CONCAT('connection ', th.PROCESSLIST_ID, ' (', th.PROCESSLIST_USER, '@', "
    "COALESCE(th.PROCESSLIST_HOST, '?'), ', ', LOWER(th.PROCESSLIST_COMMAND), COALESCE(CONCAT(', in a transaction for "
    "', %s, ' s'), ''), ')') AS name" WAITED_FOR
    " AND th.TYPE = 'FOREGROUND' AND th.NAME LIKE '%%one\\_connection' AND th.PROCESSLIST_COMMAND IN " CLIENT_COMMANDS
    " AND th.PROCESSLIST_USER NOT IN " NOT_CLIENTS " AND COALESCE(x.XA_STATE, '') <> 'PREPARED'";
static const char plugin_holders[] =
    "SELECT DISTINCT p.ID AS id, CONCAT('connection ', p.ID, ' (', p.USER, '@', p.HOST, ', ', LOWER(p.COMMAND), "
    "COALESCE(CONCAT(', in a transaction for ', " MY_TRX_OPEN_S("i") ", ' s'), ''), ')') AS name";
/* The plugin does not say who waits; a session at this wait of ours waits for one of these tables. */
#define OF_CLIENTS                                                                                                     \
    " AND p.COMMAND IN " CLIENT_COMMANDS " AND p.USER NOT IN " NOT_CLIENTS " AND EXISTS (SELECT 1 FROM "               \
    "information_schema.PROCESSLIST w WHERE w.ID = %lu AND w.STATE = 'Waiting for table metadata lock')"

static char *holders_sql(struct target *t, const struct my_conn *waiting, bool renames)
{
    if (t->holders_by == MY_HOLDERS_BY_SCHEMA)
        return mem_printf(schema_holders,
                          t->server.family == MY_MARIADB
                              ? "COALESCE(ROUND(x.TIMER_WAIT / 1e12), (SELECT " MY_TRX_OPEN_S(
                                    "i") " FROM information_schema.INNODB_TRX i WHERE i.trx_mysql_thread_id = "
                                         "th.PROCESSLIST_ID LIMIT 1))"
                              : "ROUND(x.TIMER_WAIT / 1e12)",
                          waiting->thread_id);
    char *holders = plugin_sql(t, plugin_holders, waiting, renames);
    char *sql = mem_printf("%s" OF_CLIENTS, holders, waiting->thread_id);
    mem_free(holders);
    return sql;
}

/* Which connection has a prepared transaction only the performance schema tells, if it looks at every transaction. Else
 * there must be none at all. */
static enum sc_result prepared_are_known(struct target *t, bool *known, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    *known = false;
    enum sc_result result = t->holders_by == MY_HOLDERS_BY_SCHEMA ? my_events_complete(t, known, err) : SC_OK;
    if (result == SC_OK && !*known) {
        result = my_query(t->control, err, &res, "XA RECOVER");
        *known = result == SC_OK && mysql_num_rows(res) == 0;
        mysql_free_result(res);
    }
    return result;
}

/* `sql` is the question that found it. */
static void end_one(struct target *t, const char *sql, const char *id, const char *name)
{
    bool ours = true, before = strlist_has(&t->asked, id);
    char *still = NULL;
    struct sc_error err;
    enum sc_result result = my_session_is_ours(t, t->control, strtoull(id, NULL, 10), &ours, &err);
    if (result == SC_OK && !ours)
        result = my_valuef(t->control, &err, &still, "SELECT 1 FROM (%s) again WHERE id = %s", sql, id);
    if (result == SC_OK && still) {
        strlist_add(&t->asked, id);
        result = my_runf(t->control, &err, "KILL %s", id);
        if (result == SC_OK && !before) {
            char *what = mem_printf("%s was ended", name);
            blockers_ended(t->blockers, what);
            mem_free(what);
        } else if (result != SC_OK && my_errno(t->control) != ER_NO_SUCH_THREAD_NUMBER && !before) {
            log_warn("%s is in the way of the cutover and cannot be ended: %s", name, err.what);
        }
    }
    mem_free(still);
}

void my_blockers_end(struct target *t, const struct my_conn *waiting, bool renames, int64_t until_us)
{
    struct sc_error err;
    bool known = false;
    if (t->holders_by == MY_HOLDERS_GUESSED || prepared_are_known(t, &known, &err) != SC_OK)
        return;
    if (!known && !t->told_of_prepared)
        log_warn("nobody is ended while there are prepared transactions (XA RECOVER): the server does not tell which "
                 "connections have them");
    t->told_of_prepared |= !known;
    char *sql = holders_sql(t, waiting, renames);
    MYSQL_RES *res = NULL;
    if (known && my_query(t->control, &err, &res, sql) != SC_OK)
        log_debug("who is in the way: %s", err.what);
    MYSQL_ROW row;
    for (int i = 0; res && i < ENDED_MOST && clock_us() < until_us && (row = mysql_fetch_row(res)); i++)
        if (row[0] && row[1])
            end_one(t, sql, row[0], row[1]);
    mysql_free_result(res);
    mem_free(sql);
}

char *my_blockers_not_holding(struct target *t)
{
    struct buf sql = {0};
    if (t->spec.kill_blockers_ms == 0 || t->holders_by == MY_HOLDERS_GUESSED)
        return NULL;
    bool by_schema = t->holders_by == MY_HOLDERS_BY_SCHEMA;
    buf_str(&sql, by_schema
                      ? " AND p.ID NOT IN (SELECT h.PROCESSLIST_ID FROM performance_schema.metadata_locks m JOIN "
                        "performance_schema.threads h ON h.THREAD_ID = m.OWNER_THREAD_ID WHERE h.PROCESSLIST_ID IS NOT "
                        "NULL AND m.OBJECT_TYPE = 'TABLE' AND m.LOCK_STATUS = 'GRANTED' AND m.LOCK_TYPE NOT IN "
                        "('SHARED', 'SHARED_HIGH_PRIO') AND m.OBJECT_SCHEMA = "
                      : " AND p.ID NOT IN (SELECT m.THREAD_ID FROM information_schema.METADATA_LOCK_INFO m WHERE "
                        "m.THREAD_ID IS NOT NULL AND m.LOCK_TYPE = 'Table metadata lock'" NOT_HARMLESS
                        " AND m.TABLE_SCHEMA = ");
    my_add_literal(&sql, t->schema);
    buf_str(&sql, by_schema ? " AND m.OBJECT_NAME = " : " AND m.TABLE_NAME = ");
    my_add_literal(&sql, t->name);
    buf_char(&sql, ')');
    return buf_take(&sql);
}

/* --- may they be ended? --------------------------------------------------------------------------------------------
 */

static const char locks_are_shown[] =
    "SELECT 1 FROM DUAL WHERE EXISTS (SELECT 1 FROM performance_schema.setup_instruments WHERE NAME = "
    "'wait/lock/metadata/sql/mdl' AND ENABLED = 'YES') AND EXISTS (SELECT 1 FROM performance_schema.setup_consumers "
    "WHERE NAME = 'global_instrumentation' AND ENABLED = 'YES') AND 0 <= (SELECT COUNT(*) FROM "
    "performance_schema.metadata_locks WHERE OBJECT_TYPE = 'none') AND 0 <= (SELECT COUNT(*) FROM "
    "performance_schema.threads th LEFT JOIN performance_schema.events_transactions_current x USING (THREAD_ID) WHERE "
    "THREAD_ID = 0)";

/* A question that fails because of a privilege, or of what the server has not, is a no. */
static enum sc_result asks(struct target *t, const char *sql, bool *is, struct sc_error *err)
{
    char *one = NULL;
    enum sc_result result = my_value(t->control, err, &one, sql);
    *is = one != NULL;
    mem_free(one);
    return result == SC_FAIL ? SC_OK : result;
}

static enum sc_result learn_holders_by(struct target *t, struct sc_error *err)
{
    bool is = false;
    t->holders_by = MY_HOLDERS_GUESSED;
    enum sc_result result = SC_OK;
    if (t->server.family == MY_MARIADB)
        result =
            asks(t, "SELECT 1 + COUNT(*) FROM information_schema.METADATA_LOCK_INFO WHERE TABLE_SCHEMA = ''", &is, err);
    if (is)
        t->holders_by = MY_HOLDERS_BY_PLUGIN;
    if (result == SC_OK && !is)
        result = asks(t, locks_are_shown, &is, err);
    if (is && t->holders_by == MY_HOLDERS_GUESSED)
        t->holders_by = MY_HOLDERS_BY_SCHEMA;
    return result;
}

enum sc_result my_blockers_may_end(struct target *t, struct strlist *refusals, struct sc_error *err)
{
    bool mariadb = t->server.family == MY_MARIADB, kills = false, sees = true, known = false;
    enum sc_result result = learn_holders_by(t, err);
    if (result == SC_OK)
        result = my_granted_everywhere(t, mariadb ? "CONNECTION ADMIN" : "CONNECTION_ADMIN", &kills, err);
    if (result == SC_OK && !kills && (!mariadb || t->server.version < 110000))
        result = my_granted_everywhere(t, "SUPER", &kills, err);
    if (result == SC_OK && mariadb)
        result = my_granted_everywhere(t, "PROCESS", &sees, err);
    if (result != SC_OK)
        return result;
    if (t->holders_by == MY_HOLDERS_GUESSED)
        strlist_add(refusals,
                    mariadb
                        ? "who holds the table's lock cannot be told for certain, so --kill-blockers could hit "
                          "anybody. INSTALL SONAME 'metadata_lock_info', or start the server with "
                          "performance_schema and its instrument wait/lock/metadata/sql/mdl on, and GRANT SELECT ON "
                          "performance_schema.*."
                        : "who holds the table's lock cannot be told for certain, so --kill-blockers could hit "
                          "anybody. GRANT SELECT ON performance_schema.* to the account, and let the instrument "
                          "wait/lock/metadata/sql/mdl be on, as it is by default.");
    if (!kills || !sees)
        strlist_addf(refusals,
                     "the account %s may not end connections of others, as --kill-blockers asks for. GRANT %s ON *.* "
                     "TO it.",
                     t->server.user, mariadb ? "CONNECTION ADMIN, PROCESS" : "CONNECTION_ADMIN");
    if (t->holders_by != MY_HOLDERS_GUESSED && prepared_are_known(t, &known, err) == SC_FAIL)
        strlist_add(refusals,
                    "which connections have a prepared transaction cannot be told, and --kill-blockers must leave them "
                    "alone. Let performance_schema's consumer events_transactions_current be on, as it is by default, "
                    "or GRANT XA_RECOVER_ADMIN ON *.* to the account.");
    return my_alive(t->control) ? SC_OK : error_set(err, SC_RETRY, "the connection was lost in the preflight");
}
