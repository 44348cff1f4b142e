/* A standing stream in PostgreSQL: a publication of its tables and a slot, both named seachange_audit_ID, and what is
 * stored of it in schema seachange_audit. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/postgres/conn.h"
#include "base/random.h"
#include "base/stop.h"
#include "cdc/audit/postgres/standing.h"
#include "cdc/postgres/slot.h"

enum { FORMAT = 1, LOCK_WITHIN_MS = 10000, LOCK_EVERY_MS = 200 };

struct standing {
    struct standing_spec spec; /* strings owned */
    struct pg_server server;
    struct pg_conn *control, *store;
    char id[RANDOM_ID_TEXT];
    char *slot, *publication, *message_prefix, *application;
    uint64_t token;
    struct position position;
    struct arena arena; /* the tables */
    struct standing_table *tables;
    size_t count;
};

/* Several at once are made by whoever holds this lock. */
#define SCHEMA_LOCK "7378697629483820647"
static const char create_state[] =
    "CREATE SCHEMA IF NOT EXISTS seachange_audit;"
    "COMMENT ON SCHEMA seachange_audit IS 'seachange: where the streams of seachange audit stand';"
    "CREATE TABLE IF NOT EXISTS seachange_audit.stream ("
    " name text PRIMARY KEY, id text NOT NULL UNIQUE, format int NOT NULL, position pg_lsn,"
    " system_identifier text NOT NULL, timeline bigint NOT NULL, timezone text NOT NULL, date_order text NOT NULL,"
    " token bigint NOT NULL, started_by text NOT NULL DEFAULT session_user,"
    " started_at timestamptz NOT NULL DEFAULT clock_timestamp(),"
    " updated_at timestamptz NOT NULL DEFAULT clock_timestamp()) WITH (fillfactor = 10);"
    "CREATE TABLE IF NOT EXISTS seachange_audit.stream_table ("
    " id text NOT NULL, number int NOT NULL, schema_name text NOT NULL, table_name text NOT NULL,"
    " table_oid oid NOT NULL, settings text NOT NULL, sequence bigint NOT NULL, partitions int NOT NULL,"
    " heads text NOT NULL, PRIMARY KEY (id, number)) WITH (fillfactor = 10);";

/* --- what is stored
 * ----------------------------------------------------------------------------------------------------------- */

static void name_objects(struct standing *s, const char *id)
{
    snprintf(s->id, sizeof(s->id), "%s", id);
    mem_free(s->slot);
    mem_free(s->publication);
    mem_free(s->message_prefix);
    mem_free(s->application);
    s->slot = mem_printf("seachange_audit_%s", id);
    s->publication = mem_printf("seachange_audit_%s", id);
    s->message_prefix = mem_printf("seachange_audit/%s", id);
    s->application = mem_printf("seachange audit %s", id);
}

static const char *column(const PGresult *res, int row, const char *name)
{
    int at = PQfnumber(res, name);
    return at < 0 ? "" : PQgetvalue(res, row, at);
}

static enum sc_result damaged(const struct standing *s, struct sc_error *err)
{
    return error_set(err, SC_FAIL, "what schema seachange_audit holds of stream %s is damaged", s->spec.name);
}

static enum sc_result take_table(struct standing *s, const PGresult *res, int row, struct sc_error *err)
{
    struct standing_table *t = &s->tables[row];
    struct audit_state *state = &t->state;
    *t = (struct standing_table){.schema = arena_strdup(&s->arena, column(res, row, "schema_name")),
                                 .name = arena_strdup(&s->arena, column(res, row, "table_name")),
                                 .number = (uint32_t)strtoul(column(res, row, "table_oid"), NULL, 10),
                                 .settings = arena_strdup(&s->arena, column(res, row, "settings"))};
    state->position = s->position;
    return audit_state_read(state, &s->arena, column(res, row, "sequence"), column(res, row, "partitions"),
                            column(res, row, "heads"))
               ? SC_OK
               : damaged(s, err);
}

static enum sc_result load_tables(struct standing *s, struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result =
        pg_query(s->control, err, &res, "SELECT * FROM seachange_audit.stream_table WHERE id = $1 ORDER BY number", 1,
                 (const char *[]){s->id});
    if (result != SC_OK)
        return result;
    s->count = (size_t)PQntuples(res);
    s->tables = arena_array(&s->arena, s->count + 1, sizeof(*s->tables));
    for (int i = 0; i < PQntuples(res) && result == SC_OK; i++)
        result = take_table(s, res, i, err);
    PQclear(res);
    return result == SC_OK && s->count == 0 ? damaged(s, err) : result;
}

static enum sc_result another_server(const struct standing *s, uint64_t identifier, uint64_t timeline,
                                     struct sc_error *err)
{
    error_set(err, SC_REFUSE,
              "stream %s was begun on server %" PRIu64 " timeline %" PRIu64 ", this is server %" PRIu64
              " timeline %" PRIu32,
              s->spec.name, identifier, timeline, s->server.system_identifier, s->server.timeline);
    return error_hint(err, "After a failover its place in the log is gone, and what was changed since is in no topic. "
                           "Remove it with `seachange audit remove`, and begin a new one.");
}

/* Values are written as they were when the stream began, wherever it goes on. */
static enum sc_result take_row(struct standing *s, const PGresult *res, struct sc_error *err)
{
    uint64_t format = strtoull(column(res, 0, "format"), NULL, 10);
    uint64_t identifier = strtoull(column(res, 0, "system_identifier"), NULL, 10);
    uint64_t timeline = strtoull(column(res, 0, "timeline"), NULL, 10);
    const char *position = column(res, 0, "position");
    name_objects(s, column(res, 0, "id"));
    s->token = strtoull(column(res, 0, "token"), NULL, 10);
    if (s->spec.removing)
        return SC_OK;
    if (format > FORMAT)
        return error_set(err, SC_REFUSE, "stream %s was begun by a newer seachange (format %" PRIu64 ")", s->spec.name,
                         format);
    if (!position[0])
        return SC_OK;
    if (!pg_lsn_parse(position, &s->position.order))
        return damaged(s, err);
    snprintf(s->position.text, sizeof(s->position.text), "%s", position);
    mem_free(s->server.timezone);
    mem_free(s->server.date_order);
    s->server.timezone = mem_strdup(column(res, 0, "timezone"));
    s->server.date_order = mem_strdup(column(res, 0, "date_order"));
    if (identifier != s->server.system_identifier || timeline != s->server.timeline)
        return another_server(s, identifier, timeline, err);
    return load_tables(s, err);
}

static enum sc_result state_exists(struct standing *s, bool *there, struct sc_error *err)
{
    char *one = NULL;
    enum sc_result result =
        pg_value(s->control, err, &one,
                 "SELECT 1 WHERE pg_catalog.to_regclass('seachange_audit.stream_table') IS NOT NULL", 0, NULL);
    *there = one != NULL;
    mem_free(one);
    return result;
}

static enum sc_result load(struct standing *s, struct sc_error *err)
{
    bool there = false;
    enum sc_result result = state_exists(s, &there, err);
    if (result != SC_OK || !there)
        return result;
    PGresult *res = NULL;
    result = pg_query(s->control, err, &res, "SELECT * FROM seachange_audit.stream WHERE name = $1", 1,
                      (const char *[]){s->spec.name});
    if (result == SC_OK && PQntuples(res) == 1)
        result = take_row(s, res, err);
    PQclear(res);
    return result;
}

/* --- who runs it
 * -------------------------------------------------------------------------------------------------------------- */

static enum sc_result try_lock(struct standing *s, bool *taken, struct sc_error *err)
{
    char *got = NULL;
    enum sc_result result = pg_value(
        s->control, err, &got, "SELECT pg_catalog.pg_try_advisory_lock(" PG_STREAM_LOCK("$1::pg_catalog.text") ")", 1,
        (const char *[]){s->spec.name});
    *taken = got && got[0] == 't';
    mem_free(got);
    return result;
}

/* One that was killed leaves its session behind for a moment. */
static enum sc_result take_lock(struct standing *s, struct sc_error *err)
{
    int64_t until_us = clock_us() + LOCK_WITHIN_MS * 1000;
    for (;;) {
        bool taken = false;
        enum sc_result result = try_lock(s, &taken, err);
        if (result != SC_OK || taken)
            return result;
        if (stop_requested())
            return error_set(err, SC_STOP, "stopped by a signal while another process runs stream %s", s->spec.name);
        if (clock_us() > until_us)
            break;
        clock_sleep_ms(LOCK_EVERY_MS);
    }
    error_set(err, SC_REFUSE, "another seachange runs stream %s", s->spec.name);
    return error_hint(err, "Its sessions are called `seachange audit` in pg_stat_activity. Two would send everything "
                           "twice; stop it first.");
}

/* From here on an earlier instance that still lives stores nothing any more; then what is stored is read. */
static enum sc_result take_over(struct standing *s, struct sc_error *err)
{
    bool there = false;
    PGresult *res = NULL;
    enum sc_result result = state_exists(s, &there, err);
    if (result == SC_OK && there)
        result = pg_query(s->control, err, &res, "UPDATE seachange_audit.stream SET token = token + 1 WHERE name = $1",
                          1, (const char *[]){s->spec.name});
    PQclear(res);
    return result;
}

static void standing_close(struct standing *s)
{
    if (!s)
        return;
    pg_close(s->control);
    pg_close(s->store);
    pg_server_fini(&s->server);
    arena_fini(&s->arena);
    mem_free(s->slot);
    mem_free(s->publication);
    mem_free(s->message_prefix);
    mem_free(s->application);
    mem_free((void *)(uintptr_t)s->spec.name);
    mem_free(s);
}

static enum sc_result standing_open(const struct standing_spec *spec, struct standing **out, struct sc_error *err)
{
    struct standing *s = mem_alloc(sizeof(*s));
    *out = NULL;
    s->spec = *spec;
    s->spec.name = mem_strdup(spec->name);
    s->server.url = mem_strdup(spec->url);
    s->server.application = mem_strdup("seachange audit");
    enum sc_result result = pg_server_learn(&s->server, "stream", &s->control, err);
    if (result == SC_OK)
        result = take_lock(s, err);
    if (result == SC_OK) /* nobody's lock is waited for for ever, nor by those who come behind us */
        result = pg_run(s->control, err, "SET lock_timeout = '10s'");
    if (result == SC_OK)
        result = take_over(s, err);
    if (result == SC_OK)
        result = load(s, err);
    if (result != SC_OK) {
        standing_close(s);
        return result;
    }
    *out = s;
    return SC_OK;
}

/* --- to begin and to remove
 * --------------------------------------------------------------------------------------------------- */

static enum sc_result remove_objects(struct standing *s, struct sc_error *err)
{
    enum sc_result result = pg_slot_drop(s->control, s->slot, s->application, err);
    return result == SC_OK ? pg_publication_drop(s->control, s->publication, err) : result;
}

/* The schema goes with its last stream. */
static enum sc_result forget(struct standing *s, struct sc_error *err)
{
    enum sc_result result = pg_run(s->control, err, "BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(" SCHEMA_LOCK ")");
    if (result == SC_OK)
        result = pg_runf(s->control, err,
                         "DELETE FROM seachange_audit.stream_table WHERE id = '%s';"
                         "DELETE FROM seachange_audit.stream WHERE id = '%s'",
                         s->id, s->id);
    char *left = NULL;
    if (result == SC_OK)
        result = pg_value(s->control, err, &left, "SELECT 1 FROM seachange_audit.stream LIMIT 1", 0, NULL);
    if (result == SC_OK && !left)
        result = pg_run(s->control, err,
                        "DROP TABLE seachange_audit.stream, seachange_audit.stream_table;"
                        "DROP SCHEMA seachange_audit");
    mem_free(left);
    if (result == SC_OK)
        return pg_run(s->control, err, "COMMIT");
    if (pg_alive(s->control))
        pg_run(s->control, NULL, "ROLLBACK");
    return result;
}

static enum sc_result standing_remove(struct standing *s, struct sc_error *err)
{
    if (!s->id[0])
        return SC_OK;
    enum sc_result result = remove_objects(s, err);
    if (result == SC_OK)
        result = forget(s, err);
    if (result == SC_OK)
        s->id[0] = 0;
    return result;
}

static enum sc_result make_state(struct standing *s, struct sc_error *err)
{
    enum sc_result result = pg_run(s->control, err, "BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(" SCHEMA_LOCK ")");
    if (result == SC_OK)
        result = pg_run(s->control, err, create_state);
    if (result == SC_OK)
        return pg_run(s->control, err, "COMMIT");
    if (pg_alive(s->control))
        pg_run(s->control, NULL, "ROLLBACK");
    return error_wrap(err, "what is known of the stream cannot be kept in schema seachange_audit");
}

static enum sc_result store_row(struct standing *s, struct sc_error *err)
{
    char id[RANDOM_ID_TEXT], identifier[24], timeline[16], format[16];
    random_id(id);
    snprintf(identifier, sizeof(identifier), "%" PRIu64, s->server.system_identifier);
    snprintf(timeline, sizeof(timeline), "%" PRIu32, s->server.timeline);
    snprintf(format, sizeof(format), "%d", FORMAT);
    PGresult *res = NULL;
    enum sc_result result = pg_query(
        s->control, err, &res,
        "INSERT INTO seachange_audit.stream (name, id, format, system_identifier, timeline, timezone,"
        " date_order, token) VALUES ($1, $2, $3::pg_catalog.int4, $4, $5::pg_catalog.int8, $6, $7, 1)",
        7, (const char *[]){s->spec.name, id, format, identifier, timeline, s->server.timezone, s->server.date_order});
    PQclear(res);
    if (result != SC_OK)
        return result;
    name_objects(s, id);
    s->token = 1;
    return SC_OK;
}

static enum sc_result publish(struct standing *s, const struct standing_table *tables, size_t count,
                              struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "CREATE PUBLICATION ");
    pg_add_ident(&sql, s->publication);
    for (size_t i = 0; i < count; i++) {
        buf_str(&sql, i ? ", ONLY " : " FOR TABLE ONLY ");
        pg_add_qualified(&sql, tables[i].schema, tables[i].name);
    }
    buf_str(&sql, " WITH (publish = 'insert, update, delete, truncate')");
    enum sc_result result = pg_run(s->control, err, buf_cstr(&sql));
    buf_fini(&sql);
    return result == SC_OK ? SC_OK : error_wrap(err, "cannot create publication %s", s->publication);
}

static enum sc_result store_tables(struct standing *s, const struct standing_table *tables, size_t count,
                                   struct sc_error *err)
{
    struct buf heads = {0};
    enum sc_result result = pg_run(s->control, err, "BEGIN");
    for (size_t i = 0; i < count && result == SC_OK; i++) {
        const struct standing_table *t = &tables[i];
        char number[24], oid[16], sequence[24], partitions[16];
        snprintf(number, sizeof(number), "%zu", i);
        snprintf(oid, sizeof(oid), "%" PRIu32, t->number);
        snprintf(sequence, sizeof(sequence), "%" PRIu64, t->state.sequence);
        snprintf(partitions, sizeof(partitions), "%" PRId32, t->state.partitions);
        buf_clear(&heads);
        audit_heads_format(&heads, t->state.heads, t->state.partitions);
        PGresult *res = NULL;
        result = pg_query(s->control, err, &res,
                          "INSERT INTO seachange_audit.stream_table VALUES ($1, $2::pg_catalog.int4, $3, $4,"
                          " $5::pg_catalog.oid, $6, $7::pg_catalog.int8, $8::pg_catalog.int4, $9)",
                          9,
                          (const char *[]){s->id, number, t->schema, t->name, oid, t->settings, sequence, partitions,
                                           buf_cstr(&heads)});
        PQclear(res);
    }
    buf_fini(&heads);
    if (result == SC_OK)
        result = pg_runf(s->control, err, "UPDATE seachange_audit.stream SET position = '%s' WHERE id = '%s'",
                         s->position.text, s->id);
    FAILPOINT(result, standing_before_begun, err);
    if (result == SC_OK)
        return pg_run(s->control, err, "COMMIT");
    if (pg_alive(s->control))
        pg_run(s->control, NULL, "ROLLBACK");
    return result;
}

/* As the publication is looked up in the catalog as it was at each change, it comes before the slot (slot.h). */
static enum sc_result standing_begin(struct standing *s, const struct standing_table *tables, size_t count,
                                     enum sc_result (*copy)(void *arg, struct sc_error *err), void *arg,
                                     struct sc_error *err)
{
    enum sc_result result = s->id[0] ? standing_remove(s, err) : SC_OK;
    if (result == SC_OK)
        result = make_state(s, err);
    if (result == SC_OK)
        result = store_row(s, err);
    FAILPOINT(result, standing_row_stored, err);
    if (result == SC_OK)
        result = publish(s, tables, count, err);
    uint64_t consistent_point = 0;
    if (result == SC_OK)
        result = pg_slot_create(&s->server, s->control, s->slot, s->spec.wait_ms, s->spec.progress,
                                s->spec.progress_arg, &consistent_point, err);
    FAILPOINT(result, standing_slot_made, err);
    if (result == SC_OK) {
        s->position.order = consistent_point;
        pg_lsn_format(consistent_point, s->position.text);
    }
    if (result == SC_OK && copy)
        result = copy(arg, err);
    if (result == SC_OK)
        result = store_tables(s, tables, count, err);
    if (result != SC_OK) {
        s->position = (struct position){0};
        return result;
    }
    return load_tables(s, err);
}

/* --- while it runs
 * ------------------------------------------------------------------------------------------------------------ */

static void standing_stored(struct standing *s, const struct standing_table **tables, size_t *count)
{
    *tables = s->position.order ? s->tables : NULL;
    *count = s->position.order ? s->count : 0;
}

static const char *standing_id(struct standing *s)
{
    return s->id;
}

static void standing_source(struct standing *s, struct source_config *out)
{
    out->url = s->server.url;
    out->application = s->application;
    out->slot = s->slot;
    out->publication = s->publication;
    out->message_prefix = s->message_prefix;
    out->timezone = s->server.timezone;
    out->date_order = s->server.date_order;
    out->start = s->position;
    out->system_identifier = s->server.system_identifier;
    out->timeline = s->server.timeline;
}

/* A table that was dropped leaves the publication without a word; one that was renamed stays in it, under its number.
 */
static enum sc_result standing_check(struct standing *s, struct sc_error *err)
{
    PGresult *res = NULL;
    enum sc_result result =
        pg_query(s->control, err, &res,
                 "SELECT pg_catalog.format('%I.%I', s.schema_name, s.table_name),"
                 " COALESCE(n.nspname = s.schema_name AND c.relname = s.table_name, false), r.prrelid IS NOT NULL"
                 " AND p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate"
                 " AND pg_catalog.to_jsonb(r) ->> 'prqual' IS NULL AND pg_catalog.to_jsonb(r) ->> 'prattrs' IS NULL"
                 " FROM seachange_audit.stream_table s LEFT JOIN pg_catalog.pg_class c ON c.oid = s.table_oid"
                 " LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                 " LEFT JOIN pg_catalog.pg_publication p ON p.pubname = $2"
                 " LEFT JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = s.table_oid"
                 " WHERE s.id = $1",
                 2, (const char *[]){s->id, s->publication});
    for (int i = 0; result == SC_OK && i < PQntuples(res); i++) {
        const char *table = PQgetvalue(res, i, 0);
        if (PQgetvalue(res, i, 1)[0] != 't')
            result = error_set(err, SC_REFUSE, "table %s is not the one any more that stream %s was begun with", table,
                               s->spec.name);
        else if (PQgetvalue(res, i, 2)[0] != 't')
            result = error_set(err, SC_REFUSE, "publication %s does not have all changes of table %s any more",
                               s->publication, table);
        if (result != SC_OK)
            error_hint(err, "What is changed there from now on is in no topic. Begin a stream of another name, with "
                            "--audit-snapshot where consumers need all rows, and remove this one (`seachange audit "
                            "remove`).");
    }
    PQclear(res);
    return result;
}

static void add_state(struct buf *sql, const struct standing *s, size_t i, const struct audit_state *state)
{
    buf_printf(sql, ";UPDATE seachange_audit.stream_table SET sequence = %" PRIu64 ", heads = '", state->sequence);
    audit_heads_format(sql, state->heads, state->partitions);
    buf_printf(sql, "' WHERE id = '%s' AND number = %zu", s->id, i);
}

/* The row is locked first, so that the token stays what it is until the end. */
static enum sc_result store_states(struct standing *s, const struct audit_state *states, struct sc_error *err)
{
    struct buf sql = {0};
    char *token = NULL;
    char lsn[24];
    pg_lsn_format(states[0].position.order, lsn);
    enum sc_result result = pg_run(s->store, err, "BEGIN");
    if (result == SC_OK)
        result = pg_value(s->store, err, &token, "SELECT token FROM seachange_audit.stream WHERE id = $1 FOR UPDATE", 1,
                          (const char *[]){s->id});
    if (result == SC_OK && (!token || strtoull(token, NULL, 10) != s->token))
        result = error_set(err, SC_FENCED, "another seachange has taken stream %s over; this one stops", s->spec.name);
    mem_free(token);
    buf_printf(&sql,
               "UPDATE seachange_audit.stream SET position = '%s', updated_at = pg_catalog.clock_timestamp()"
               " WHERE id = '%s'",
               lsn, s->id);
    for (size_t i = 0; i < s->count; i++)
        add_state(&sql, s, i, &states[i]);
    if (result == SC_OK)
        result = pg_run(s->store, err, buf_cstr(&sql));
    buf_fini(&sql);
    if (result == SC_OK)
        return pg_run(s->store, err, "COMMIT");
    if (pg_alive(s->store))
        pg_run(s->store, NULL, "ROLLBACK");
    return result;
}

static enum sc_result standing_store(struct standing *s, const struct audit_state *states, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    FAILPOINT(result, standing_before_store, err);
    if (result == SC_OK && !s->store)
        result = pg_open(&s->server, "place", PG_DDL, &s->store, err);
    if (result == SC_OK)
        result = pg_run(s->store, err, "SET lock_timeout = '10s'");
    if (result == SC_OK)
        result = store_states(s, states, err);
    FAILPOINT(result, standing_place_stored, err);
    if (result == SC_RETRY) {
        pg_close(s->store);
        s->store = NULL;
    }
    return result;
}

static enum sc_result standing_mark(struct standing *s, const char *text, struct sc_error *err)
{
    PGresult *res = NULL;
    /* The transaction has an id, so its commit flushes the log up to behind the message. */
    enum sc_result result =
        pg_query(s->control, err, &res,
                 "SELECT pg_catalog.pg_logical_emit_message(false, $1, $2), pg_catalog.pg_current_xact_id()", 2,
                 (const char *[]){s->message_prefix, text});
    PQclear(res);
    return result;
}

/* --- from outside
 * ------------------------------------------------------------------------------------------------------------- */

static enum sc_result take_place(const PGresult *res, struct arena *arena, struct standing_place *out,
                                 struct sc_error *err)
{
    struct audit_state *state = &out->state;
    out->id = arena_strdup(arena, column(res, 0, "id"));
    snprintf(state->position.text, sizeof(state->position.text), "%s", column(res, 0, "position"));
    bool good = pg_lsn_parse(state->position.text, &state->position.order) &&
                audit_state_read(state, arena, column(res, 0, "sequence"), column(res, 0, "partitions"),
                                 column(res, 0, "heads"));
    return good ? SC_OK : error_set(err, SC_FAIL, "what schema seachange_audit holds of stream %s is damaged", out->id);
}

static enum sc_result standing_look(const char *url, const char *stream, const char *schema, const char *table,
                                    struct arena *arena, struct standing_place *out, bool *found, struct sc_error *err)
{
    struct standing s = {.server = {.url = mem_strdup(url), .application = mem_strdup("seachange audit")}};
    PGresult *res = NULL;
    bool there = false;
    *found = false;
    enum sc_result result = pg_server_learn(&s.server, "check", &s.control, err);
    if (result == SC_OK)
        result = state_exists(&s, &there, err);
    if (result == SC_OK && there)
        result = pg_query(s.control, err, &res,
                          "SELECT s.id, s.position, t.sequence, t.partitions, t.heads FROM seachange_audit.stream s"
                          " JOIN seachange_audit.stream_table t USING (id)"
                          " WHERE (s.name = $1 OR s.id = $1) AND t.schema_name = $2 AND t.table_name = $3"
                          " AND s.position IS NOT NULL",
                          3, (const char *[]){stream, schema, table});
    *found = res && PQntuples(res) == 1;
    if (*found)
        result = take_place(res, arena, out, err);
    PQclear(res);
    pg_close(s.control);
    pg_server_fini(&s.server);
    return result;
}

const struct standing_ops pg_standing = {
    .open = standing_open,
    .close = standing_close,
    .stored = standing_stored,
    .id = standing_id,
    .begin = standing_begin,
    .source = standing_source,
    .check = standing_check,
    .store = standing_store,
    .mark = standing_mark,
    .look = standing_look,
    .list = pg_standing_list,
    .remove = standing_remove,
};
