/* What is stored and what is there: every migration with its objects, and objects that no stored migration explains. */
#include <stdio.h>
#include <string.h>

#include "applier/postgres/ops.h"

/* Rows (id, what, how to put it to people): all objects whose name says that they are ours. */
static const char objects_sql[] =
    "SELECT pg_catalog.right(slot_name, 8), pg_catalog.format('replication slot %s (%s, keeps %s of WAL)', slot_name, "
    "CASE WHEN active THEN 'in use' ELSE 'not in use' END,"
    "  COALESCE(pg_catalog.pg_size_pretty(pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery() THEN "
    "pg_catalog.pg_last_wal_receive_lsn()"
    "  ELSE pg_catalog.pg_current_wal_lsn() END, restart_lsn)), '?'))"
    " FROM pg_catalog.pg_replication_slots WHERE slot_name ~ '^seachange_[0-9a-f]{8}$' AND database = "
    "pg_catalog.current_database()"
    " UNION ALL SELECT pg_catalog.right(pubname, 8), 'publication ' || pubname FROM pg_catalog.pg_publication WHERE "
    "pubname ~ '^seachange_[0-9a-f]{8}$'"
    " UNION ALL SELECT pg_catalog.right(n.nspname, 8), CASE WHEN c.oid IS NULL THEN 'schema ' || n.nspname ELSE"
    "  pg_catalog.format('table %s (%s)', c.oid::pg_catalog.regclass, "
    "pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size(c.oid))) END"
    " FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r'"
    " WHERE n.nspname ~ '^seachange_(new|old)_[0-9a-f]{8}$' ORDER BY 1, 2";

static const char migrations_sql[] =
    "SELECT id, pg_catalog.format('%I.%I', schema_name, table_name) AS table, phase, alter_text, "
    "started_at::pg_catalog.timestamptz(0)::pg_catalog.text AS started,"
    " updated_at::pg_catalog.timestamptz(0)::pg_catalog.text AS updated, started_by,"
    " (SELECT pg_catalog.format('running: pid %s on %s', m.pid, m.host) FROM pg_catalog.pg_locks l WHERE l.locktype = "
    "'advisory' AND l.classid = 1397052993 AND l.objsubid = 2"
    "   AND l.objid = m.table_oid AND l.granted AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname "
    "= pg_catalog.current_database()) LIMIT 1) AS running,"
    " EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = m.table_oid) AS there, table_oid, system_identifier, "
    "timeline,"
    " (SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN NULL"
    "  WHEN s.slot_name IS NULL THEN pg_catalog.format('its replication slot %s was dropped', m.slot)"
    "  WHEN s.wal_status = 'lost' OR pg_catalog.to_jsonb(s) ->> 'conflicting' = 'true' OR"
    "   pg_catalog.to_jsonb(s) ->> 'invalidation_reason' IS NOT NULL"
    "   THEN pg_catalog.format('the server has invalidated its replication slot %s', m.slot)"
    "  WHEN s.confirmed_flush_lsn > c.applied"
    "   THEN pg_catalog.format('its replication slot %s was moved on, or made again', m.slot) END"
    "  FROM seachange.checkpoint c LEFT JOIN pg_catalog.pg_replication_slots s ON s.slot_name = m.slot"
    "  WHERE c.id = m.id) AS slot_lost,"
    " CASE WHEN phase IN ('copy', 'index', 'catch-up', 'ready') OR phase = 'cutover' AND EXISTS (SELECT FROM"
    "  pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = m.table_oid"
    "  AND n.nspname = m.schema_name) THEN fingerprint END AS fingerprint"
    " FROM seachange.migration m ORDER BY started_at";

/* *why (malloc'd): why one that is not swapped cannot go on; NULL: as far as can be told from here, it can. */
static enum sc_result cannot_go_on(struct target *t, const PGresult *res, int row, char **why, struct sc_error *err)
{
    const char *fingerprint = pg_column_text(res, row, "fingerprint"), *lost = pg_column_text(res, row, "slot_lost");
    char *now = NULL;
    *why = NULL;
    if (!fingerprint) /* swapped, or not begun */
        return SC_OK;
    if (pg_column_number(res, row, "system_identifier") != t->server.system_identifier ||
        pg_column_number(res, row, "timeline") != t->server.timeline) {
        *why = mem_strdup("it was started on another server, or before a failover");
        return SC_OK;
    }
    enum sc_result result = pg_fingerprint(t->control, (Oid)pg_column_number(res, row, "table_oid"), &now, err);
    if (result == SC_OK && (!now || strcmp(now, fingerprint) != 0))
        *why = mem_strdup("somebody changed the table's definition meanwhile");
    else if (result == SC_OK && lost)
        *why = mem_strdup(lost);
    mem_free(now);
    return result;
}

/* For people: where a stored migration stands, and what to do. */
static enum sc_result note_of(struct target *t, const PGresult *res, int row, struct listed *l, struct sc_error *err)
{
    const char *running = pg_column_text(res, row, "running");
    bool there = pg_column_text(res, row, "there")[0] == 't';
    if (running) {
        l->note = mem_strdup(running);
        return SC_OK;
    }
    if (strcmp(l->phase, "done") == 0) {
        l->note = there ? mem_strdup("done; the old table is kept until it is dropped")
                        : mem_printf("done, and the old table is dropped: `seachange abort %s` forgets it", l->id);
        return SC_OK;
    }
    if (!there && strcmp(l->phase, "cleanup") != 0) {
        l->note =
            mem_printf("not running, and its table was dropped: `seachange abort %s` removes what is left", l->id);
        return SC_OK;
    }
    char *why = NULL;
    enum sc_result result = cannot_go_on(t, res, row, &why, err);
    if (why)
        l->note =
            mem_printf("not running, and %s, so it cannot go on: `seachange migrate` would stop; `seachange abort "
                       "%s` removes it, then start again",
                       why, l->id);
    else
        l->note = mem_printf(
            "not running: `seachange migrate` with the same --alter goes on, `seachange abort %s` removes it", l->id);
    mem_free(why);
    return result;
}

static struct listed *add(struct listed **list, size_t *count)
{
    *list = mem_resize(*list, (*count + 1) * sizeof(**list));
    struct listed *l = &(*list)[(*count)++];
    *l = (struct listed){0};
    return l;
}

static enum sc_result add_migrations(struct target *t, struct listed **list, size_t *count, struct sc_error *err)
{
    bool there = false;
    enum sc_result result = pg_state_exists(t->control, &there, err);
    if (result != SC_OK || !there)
        return result;
    PGresult *res = NULL;
    result = pg_query(t->control, err, &res, migrations_sql, 0, NULL);
    for (int i = 0; result == SC_OK && i < PQntuples(res); i++) {
        struct listed *l = add(list, count);
        l->id = mem_strdup(PQgetvalue(res, i, 0));
        l->table = mem_strdup(PQgetvalue(res, i, 1));
        l->phase = mem_strdup(PQgetvalue(res, i, 2));
        l->alter = mem_strdup(PQgetvalue(res, i, 3));
        l->started = mem_strdup(PQgetvalue(res, i, 4));
        l->updated = mem_strdup(PQgetvalue(res, i, 5));
        l->owner = mem_strdup(PQgetvalue(res, i, 6));
        result = note_of(t, res, i, l, err);
    }
    PQclear(res);
    return result;
}

enum sc_result pg_list(struct target *t, struct listed **out, size_t *count, struct sc_error *err)
{
    *out = NULL;
    *count = 0;
    enum sc_result result = add_migrations(t, out, count, err);
    PGresult *res = NULL;
    if (result == SC_OK)
        result = pg_query(t->control, err, &res, objects_sql, 0, NULL);
    for (int i = 0; result == SC_OK && i < PQntuples(res); i++) {
        const char *id = PQgetvalue(res, i, 0);
        struct listed *l = NULL;
        for (size_t k = 0; k < *count && !l; k++)
            if (strcmp((*out)[k].id, id) == 0)
                l = &(*out)[k];
        if (!l) {
            l = add(out, count);
            l->id = mem_strdup(id);
            l->phase = mem_strdup("orphan");
            l->note =
                mem_printf("no stored migration explains these: `seachange abort %s` removes what is seachange's; a "
                           "table in seachange_old_%s is the one from before a migration and is kept: drop it "
                           "yourself when nobody needs it",
                           id, id);
        }
        strlist_add(&l->objects, PQgetvalue(res, i, 1));
    }
    PQclear(res);
    if (result != SC_OK) {
        listed_free(*out, *count);
        *out = NULL;
        *count = 0;
    }
    return result;
}
