/* What must be so before anything is touched. Every reason to refuse is found in one go, each with what to do about it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/postgres/cutover.h"
#include "applier/postgres/dependents.h"
#include "applier/postgres/ops.h"
#include "applier/postgres/state.h"
#include "applier/postgres/target.h"

/* A query that yields one row for each thing that is wrong: a text that says what and, behind a tab, what to do. $1 is
 * the table's OID. */
struct check {
    const char *sql;
    int from_version;
    bool warning;
};

#define OWNED "c.oid = $1::pg_catalog.oid"

static const struct check kind_checks[] = {
    /* what kind of table */
    {"SELECT CASE relkind WHEN 'v' THEN 'it is a view' WHEN 'm' THEN 'it is a materialized view' WHEN 'f' THEN 'it is "
     "a foreign table'"
     " WHEN 'p' THEN 'it is a partitioned table' WHEN 'S' THEN 'it is a sequence' WHEN 'i' THEN 'it is an index'"
     " ELSE 'it is not a table' END ||"
     " CASE relkind WHEN 'p' THEN E'\\tMigrate its partitions with plain ALTER TABLE, or detach them first.' ELSE "
     "E'\\tOnly ordinary tables can be migrated.' END"
     " FROM pg_catalog.pg_class c WHERE " OWNED " AND relkind <> 'r'",
     0, false},
    {"SELECT CASE relpersistence WHEN 'u' THEN E'it is unlogged: its changes are not in the log\\tALTER TABLE ... SET "
     "LOGGED first.'"
     " ELSE E'it is a temporary table\\tOnly permanent tables can be migrated.' END"
     " FROM pg_catalog.pg_class c WHERE " OWNED " AND relpersistence <> 'p'",
     0, false},
};

static const struct check checks[] = {
    {"SELECT E'it belongs to the system\\tOnly tables of applications can be migrated.' FROM pg_catalog.pg_class c"
     " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE " OWNED
     " AND (n.nspname ~ '^pg_' OR n.nspname IN ('information_schema', 'seachange') OR n.nspname ~ "
     "'^seachange_(new|old)_')",
     0, false},
    {"SELECT E'it is a partition\\tDetach it first, or change the partitioned table.' FROM pg_catalog.pg_class c "
     "WHERE " OWNED " AND relispartition",
     0, false},
    {"SELECT 'it takes part in inheritance with ' || pg_catalog.string_agg((CASE WHEN inhrelid = $1::pg_catalog.oid "
     "THEN inhparent ELSE inhrelid END)"
     "::pg_catalog.regclass::pg_catalog.text, ', ') || E'\\tEnd it with ALTER TABLE ... NO INHERIT.'"
     " FROM pg_catalog.pg_inherits, pg_catalog.pg_class c WHERE " OWNED
     " AND NOT c.relispartition AND $1::pg_catalog.oid IN (inhrelid, inhparent)"
     " HAVING pg_catalog.count(*) > 0",
     0, false},
    {"SELECT 'it is a typed table (OF ' || reloftype::pg_catalog.regtype || E')\\tALTER TABLE ... NOT OF first.' FROM "
     "pg_catalog.pg_class c WHERE " OWNED " AND reloftype <> 0",
     0, false},
    {"SELECT 'its access method is ' || am.amname || E'\\tOnly heap tables can be migrated.' FROM pg_catalog.pg_class c"
     " JOIN pg_catalog.pg_am am ON am.oid = c.relam WHERE " OWNED " AND am.amname <> 'heap'",
     0, false},
    {"SELECT 'it belongs to extension ' || e.extname || E'\\tIts definition is the extension''s to change.' FROM "
     "pg_catalog.pg_depend d"
     " JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid WHERE d.classid = "
     "'pg_catalog.pg_class'::pg_catalog.regclass"
     " AND d.objid = $1::pg_catalog.oid AND d.deptype = 'e'",
     0, false},
    {"SELECT E'it receives a subscription\\tWhat is replicated into it would go to the old table after the swap. "
     "Remove it from the subscription first.'"
     " FROM pg_catalog.pg_subscription_rel WHERE srrelid = $1::pg_catalog.oid LIMIT 1",
     0, false},
    {"SELECT E'it has security labels, which are not carried over\\tRemove them with SECURITY LABEL ... IS NULL and "
     "set them again afterwards.'"
     " FROM pg_catalog.pg_seclabel WHERE objoid = $1::pg_catalog.oid AND classoid = "
     "'pg_catalog.pg_class'::pg_catalog.regclass LIMIT 1",
     0, false},
    /* While one is made or replaced side by side with writers, who makes it holds this lock. Of others' sessions which
     * index they are at may be hidden. */
    {"SELECT 'index ' || i.indexrelid::pg_catalog.regclass || CASE WHEN b.pid IS NULL"
     "  THEN E' is invalid\\tREINDEX INDEX CONCURRENTLY or drop it.'"
     "  ELSE ' is being made, or replaced, by process ' || b.pid || E'\\tWait until that has ended, and start then.' "
     "END"
     " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid LEFT JOIN LATERAL"
     "  (SELECT p.pid FROM pg_catalog.pg_stat_progress_create_index p JOIN pg_catalog.pg_locks l ON l.pid = p.pid"
     "   WHERE l.locktype = 'relation' AND l.relation = i.indrelid AND l.mode = 'ShareUpdateExclusiveLock' AND "
     "l.granted"
     "    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
     "    AND (COALESCE(p.index_relid, 0) IN (0, i.indexrelid) OR c.relname ~ '_cc(new|old)[0-9]*$') LIMIT 1) b ON true"
     " WHERE i.indrelid = $1::pg_catalog.oid AND NOT (i.indisvalid AND i.indisready AND i.indislive)",
     120000, false},
    {"SELECT 'rule ' || pg_catalog.quote_ident(rulename) || E' is on it; rules are not carried over\\tDrop it, or "
     "replace it by a trigger.'"
     " FROM pg_catalog.pg_rewrite WHERE ev_class = $1::pg_catalog.oid",
     0, false},
    {"SELECT 'the database''s encoding is ' || pg_catalog.current_setting('server_encoding') || ' and names of the "
     "table are not plain ASCII' || E'\\tOnly UTF8 databases can have such names migrated.'"
     " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE " OWNED
     " AND pg_catalog.current_setting('server_encoding') NOT IN ('UTF8', 'SQL_ASCII')"
     " AND (n.nspname || c.relname || (SELECT pg_catalog.string_agg(attname, '') FROM pg_catalog.pg_attribute"
     "  WHERE attrelid = c.oid)) ~ '[^[:ascii:]]'",
     0, false},
    /* the log */
    {"SELECT E'wal_level is ' || pg_catalog.current_setting('wal_level') || ', logical decoding needs logical'"
     " || E'\\tALTER SYSTEM SET wal_level = logical and restart the server (managed servers: their parameter for "
     "logical replication).'"
     " WHERE pg_catalog.current_setting('wal_level') <> 'logical'",
     0, false},
    {"SELECT 'no replication slot is free (max_replication_slots = ' || "
     "pg_catalog.current_setting('max_replication_slots')"
     " || E')\\tDrop a slot that nobody uses, or raise it and restart the server.'"
     " WHERE (SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots) >= "
     "pg_catalog.current_setting('max_replication_slots')::pg_catalog.int4",
     0, false},
    {"SELECT 'no WAL sender is free (max_wal_senders = ' || pg_catalog.current_setting('max_wal_senders')"
     " || E')\\tRaise it and restart the server.'"
     " WHERE (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'walsender')"
     " >= pg_catalog.current_setting('max_wal_senders')::pg_catalog.int4",
     0, false},
    {"SELECT E'the server is a standby\\tConnect to the primary.' WHERE pg_catalog.pg_is_in_recovery()", 0, false},
    {"SELECT 'publication ' || pg_catalog.quote_ident(pubname) || E' is FOR ALL TABLES: it would publish the ghost "
     "table while it is filled'"
     " || E'\\tReplace it by one that names its tables or schemas.' FROM pg_catalog.pg_publication WHERE puballtables",
     0, false},
    /* privileges */
    {"SELECT 'role ' || pg_catalog.quote_ident(session_user) || ' is not a member of the table''s owner ' || "
     "pg_catalog.pg_get_userbyid(relowner)"
     " || E'\\tGRANT ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(relowner)) || ' TO ' || "
     "pg_catalog.quote_ident(session_user) || ';'"
     " FROM pg_catalog.pg_class c WHERE " OWNED " AND NOT pg_catalog.pg_has_role(relowner, 'USAGE')",
     0, false},
    {"SELECT 'role ' || pg_catalog.quote_ident(session_user) || E' may not replicate\\tALTER ROLE ' || "
     "pg_catalog.quote_ident(session_user)"
     " || ' REPLICATION; (managed servers: grant their replication role)' FROM pg_catalog.pg_roles r WHERE rolname = "
     "session_user AND NOT (rolreplication OR rolsuper)"
     " AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles m WHERE m.rolname IN ('rds_replication', 'cloudsqlsuperuser', "
     "'azure_pg_admin')"
     "  AND pg_catalog.pg_has_role(m.oid, 'MEMBER'))",
     0, false},
    {"SELECT 'role ' || pg_catalog.quote_ident(session_user) || ' may not create schemas and publications in database '"
     " || pg_catalog.quote_ident(pg_catalog.current_database()) || E'\\tGRANT CREATE ON DATABASE '"
     " || pg_catalog.quote_ident(pg_catalog.current_database()) || ' TO ' || pg_catalog.quote_ident(session_user) || "
     "';'"
     " WHERE NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')",
     0, false},
    {"SELECT 'role ' || pg_catalog.quote_ident(session_user) || ' may not make temporary tables in database '"
     " || pg_catalog.quote_ident(pg_catalog.current_database()) || E'\\tGRANT TEMPORARY ON DATABASE '"
     " || pg_catalog.quote_ident(pg_catalog.current_database()) || ' TO ' || pg_catalog.quote_ident(session_user) || "
     "';'"
     " WHERE NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY')",
     0, false},
    {"SELECT 'role ' || pg_catalog.quote_ident(session_user) || ' may not create in schema ' || "
     "pg_catalog.quote_ident(n.nspname)"
     " || ', so the new table cannot take its place' || E'\\tGRANT CREATE, USAGE ON SCHEMA ' || "
     "pg_catalog.quote_ident(n.nspname) || ' TO '"
     " || pg_catalog.quote_ident(session_user) || ';' FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON "
     "n.oid = c.relnamespace WHERE " OWNED " AND NOT pg_catalog.has_schema_privilege(n.oid, 'CREATE')",
     0, false},
    {"SELECT 'row security would hide rows from role ' || pg_catalog.quote_ident(session_user) || E'\\tUse a role with "
     "BYPASSRLS, or the owner without FORCE ROW LEVEL SECURITY.'"
     " WHERE pg_catalog.row_security_active($1::pg_catalog.oid)",
     0, false},
    /* warnings */
    {"SELECT 'synchronous_standby_names has *: the migration''s own reader of the log can be taken for a synchronous "
     "standby, and commits would wait for it. Name the standbys'"
     " WHERE pg_catalog.current_setting('synchronous_standby_names') ~ '\\*'",
     0, true},
    {"SELECT 'max_slot_wal_keep_size is ' || pg_catalog.current_setting('max_slot_wal_keep_size')"
     " || ': if the migration falls behind by more WAL than that, it has to start over'"
     " WHERE pg_catalog.current_setting('max_slot_wal_keep_size') <> '-1'",
     0, true},
    {"SELECT 'idle_replication_slot_timeout is ' || pg_catalog.current_setting('idle_replication_slot_timeout')"
     " || ': a migration that is interrupted for longer has to start over'"
     " WHERE pg_catalog.current_setting('idle_replication_slot_timeout', true) NOT IN ('0', '0s', '')",
     180000, true},
    {"SELECT pg_catalog.count(DISTINCT x.gid) || ' prepared transaction(s) hold locks on the table; the cutover has to "
     "wait for "
     "them'"
     " FROM pg_catalog.pg_locks l " PREPARED_LOCKS " WHERE l.relation = $1::pg_catalog.oid HAVING "
     "pg_catalog.count(*) > 0",
     0, true},
    {"SELECT 'event triggers are enabled (' || pg_catalog.string_agg(evtname, ', ') || '); they see the statements of "
     "this migration'"
     " FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D' HAVING pg_catalog.count(*) > 0",
     0, true},
};

static enum sc_result run_check(struct target *t, const struct check *check, struct plan *plan, struct sc_error *err)
{
    if (t->server.version < check->from_version)
        return SC_OK;
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", t->source.oid);
    /* A statement that does not mention $1 must not be given it. */
    bool wants = strstr(check->sql, "$1") != NULL;
    PGresult *res = NULL;
    enum sc_result result = pg_query(t->control, err, &res, check->sql, wants, (const char *[]){oid});
    if (result != SC_OK)
        return error_wrap(err, "preflight");
    for (int i = 0; i < PQntuples(res); i++) {
        const char *text = PQgetvalue(res, i, 0);
        const char *tab = strchr(text, '\t');
        int len = tab ? (int)(tab - text) : (int)strlen(text);
        strlist_addf(check->warning ? &plan->warnings : &plan->refusals, "%.*s%s%s", len, text, tab ? ". " : "",
                     tab ? tab + 1 : "");
    }
    PQclear(res);
    return SC_OK;
}

static const char identity_sql[] =
    /* Usable keys, best first: what the log identifies rows by, then the primary key, then others. */
    "SELECT i.indexrelid, c.relname, i.indisprimary, i.indisreplident, i.indimmediate,"
    " i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL AND am.amname = "
    "'btree'"
    "  AND NOT EXISTS (SELECT FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY k(attnum, ord)"
    "   JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
    "   WHERE k.ord <= i.indnkeyatts AND (NOT a.attnotnull OR a.attgenerated <> '')) AS usable,"
    " i.indnkeyatts AS width, i.indkey::pg_catalog.text AS attnums"
    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am am ON am.oid "
    "= c.relam"
    " WHERE i.indrelid = $1::pg_catalog.oid ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid";

enum sc_result pg_keys_load(struct pg_conn *conn, Oid table, PGresult **res, struct sc_error *err)
{
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", table);
    return pg_query(conn, err, res, identity_sql, 1, (const char *[]){oid});
}

/* The key must be part of every old image in the log: with REPLICA IDENTITY DEFAULT that is the primary key, with USING
 * INDEX that index, with FULL any (manual, ALTER TABLE, REPLICA IDENTITY). */
static enum sc_result choose_key(struct target *t, struct plan *plan, struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result = pg_keys_load(t->control, t->source.oid, &res, err);
    if (result != SC_OK)
        return result;
    char identity = t->source.replica_identity;
    int chosen = -1, candidate = -1, deferrable = -1;
    for (int i = 0; i < PQntuples(res); i++) {
        bool primary = PQgetvalue(res, i, 2)[0] == 't', marked = PQgetvalue(res, i, 3)[0] == 't';
        bool usable = PQgetvalue(res, i, 5)[0] == 't';
        if (primary && PQgetvalue(res, i, 4)[0] != 't')
            deferrable = i;
        if (!usable)
            continue;
        if (candidate < 0)
            candidate = i;
        if (chosen < 0 && ((identity == 'd' && primary) || (identity == 'i' && marked) || identity == 'f'))
            chosen = i;
    }
    if (chosen >= 0) {
        result = pg_key_load(t, (Oid)strtoul(PQgetvalue(res, chosen, 0), NULL, 10), err);
    } else if (identity == 'n') {
        strlist_add(&plan->refusals, "its replica identity is NOTHING, so the log does not say which rows change. "
                                     "ALTER TABLE ... REPLICA IDENTITY DEFAULT first.");
    } else if (deferrable >= 0) {
        strlist_addf(
            &plan->refusals,
            "its primary key %s is deferrable, so the log does not identify rows by it. Make it NOT DEFERRABLE first.",
            PQgetvalue(res, deferrable, 1));
    } else if (candidate >= 0) {
        char *index = pg_ident(PQgetvalue(res, candidate, 1));
        strlist_addf(&plan->refusals,
                     "it has no primary key, and the log does not identify its rows. Its unique index %s can serve: "
                     "ALTER TABLE ... REPLICA IDENTITY USING INDEX %s first (a short ACCESS EXCLUSIVE lock).",
                     index, index);
        mem_free(index);
    } else {
        strlist_add(&plan->refusals,
                    "it has no key: neither a primary key nor a unique index on NOT NULL columns that is not partial, "
                    "deferrable or on expressions. Add one with CREATE UNIQUE INDEX CONCURRENTLY.");
    }
    PQclear(res);
    return result;
}

/* Two migrations of tables that a foreign key links would change each other's definition at the swap. */
static const struct check linked_check = {
    "SELECT 'migration ' || m.id || ' of table ' || m.table_oid::pg_catalog.regclass || E', which a foreign key links "
    "with it, is under way\tLet it end, or abort it, first.'"
    " FROM seachange.migration m WHERE m.phase NOT IN ('done', 'aborted') AND m.table_oid <> $1::pg_catalog.oid AND "
    "EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND"
    "  ((k.conrelid = $1::pg_catalog.oid AND k.confrelid = m.table_oid) OR (k.confrelid = $1::pg_catalog.oid AND "
    "k.conrelid = m.table_oid)))",
    0, false};

static enum sc_result check_stored(struct target *t, struct plan *plan, struct sc_error *err)
{
    bool exists = false;
    enum sc_result result = pg_state_exists(t->control, &exists, err);
    if (result == SC_REFUSE) {
        strlist_addf(&plan->refusals, "%s. %s", err->what, err->hint);
        return SC_OK;
    }
    return result == SC_OK && exists ? run_check(t, &linked_check, plan, err) : result;
}

enum sc_result pg_audit_log_check(struct target *t, struct plan *plan, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    for (size_t i = 0; i < sizeof(kind_checks) / sizeof(kind_checks[0]) && result == SC_OK; i++)
        result = run_check(t, &kind_checks[i], plan, err);
    return result == SC_OK && plan->refusals.count == 0 ? choose_key(t, plan, err) : result;
}

enum sc_result pg_preflight(struct target *t, struct plan *plan, struct sc_error *err)
{
    Oid oid = 0;
    enum sc_result result = pg_resolve_table(t, &oid, err);
    struct pg_table loaded = {0};
    if (result == SC_OK)
        result = pg_table_load(t->control, oid, &loaded, err);
    if (result != SC_OK)
        return result;
    pg_table_fini(&t->source);
    t->source = loaded;
    mem_free(plan->table);
    plan->table = pg_qualified(loaded.schema, loaded.name);
    plan->rows = loaded.rows_estimated;
    plan->table_bytes = loaded.heap_bytes;
    plan->index_bytes = loaded.index_bytes;
    if (t->server.version < 140000)
        strlist_addf(&plan->refusals, "the server is PostgreSQL %d; 14 is the oldest that is supported.",
                     t->server.version / 10000);
    if (t->server.version >= 190000)
        strlist_addf(&plan->warnings, "PostgreSQL %d is newer than this seachange was tested with",
                     t->server.version / 10000);
    for (size_t i = 0; i < sizeof(kind_checks) / sizeof(kind_checks[0]) && result == SC_OK; i++)
        result = run_check(t, &kind_checks[i], plan, err);
    /* Of a view, say, nothing else needs to be said. */
    if (result != SC_OK || plan->refusals.count > 0)
        return result;
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && result == SC_OK; i++)
        result = run_check(t, &checks[i], plan, err);
    if (result == SC_OK)
        result = check_stored(t, plan, err);
    if (result == SC_OK)
        result = choose_key(t, plan, err);
    if (result == SC_OK && t->spec.kill_blockers_ms > 0)
        result = pg_blockers_may_end(t, &plan->refusals, err);
    if (result == SC_OK)
        result = pg_dependents_check(t, plan, err);
    mem_free(t->fingerprint);
    t->fingerprint = NULL;
    if (result == SC_OK)
        result = pg_fingerprint(t->control, t->source.oid, &t->fingerprint, err);
    return result;
}
