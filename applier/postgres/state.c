/* The stored state of a migration.
 *
 * Everything that must survive is in the database of the table, in schema seachange. The row of a migration is written
 * before anything else of it exists, and removed after everything else is gone: so whatever is there is explained by a
 * row. The checkpoint is moved only in the transaction of the batch it describes, by an UPDATE that compares the
 * fencing token: an instance that lost its lock changes no row and stops (correctness C1, C5). */
#include "applier/postgres/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applier/postgres/mapping.h"
#include "applier/postgres/ops.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/plant.h"
#include "base/random.h"
#include "base/stop.h"

static const char *const phase_names[] = {
    [PHASE_PREFLIGHT] = "preflight", [PHASE_PREPARE] = "prepare",   [PHASE_COPY] = "copy",
    [PHASE_INDEX] = "index",         [PHASE_CATCH_UP] = "catch-up", [PHASE_VERIFY] = "verify",
    [PHASE_READY] = "ready",         [PHASE_CUTOVER] = "cutover",   [PHASE_CLEANUP] = "cleanup",
    [PHASE_DONE] = "done",           [PHASE_ABORTED] = "aborted",   [PHASE_FAILED] = "failed",
};

const char *phase_stored_name(enum phase phase)
{
    return phase_names[phase];
}

bool phase_from_stored(const char *name, enum phase *phase)
{
    for (size_t i = 0; i < sizeof(phase_names) / sizeof(phase_names[0]); i++) {
        if (strcmp(phase_names[i], name) == 0) {
            *phase = (enum phase)i;
            return true;
        }
    }
    return false;
}

static const char create_state[] = /* run under STATE_SCHEMA_LOCK */
    "CREATE SCHEMA IF NOT EXISTS seachange;"
    "COMMENT ON SCHEMA seachange IS 'seachange: state of online schema changes';"
    "CREATE TABLE IF NOT EXISTS seachange.migration ("
    " id text PRIMARY KEY, format int NOT NULL, phase text NOT NULL,"
    " schema_name text NOT NULL, table_name text NOT NULL, table_oid oid NOT NULL, alter_text text NOT NULL,"
    " ghost_schema text NOT NULL, old_schema text NOT NULL, ghost_oid oid,"
    " slot text NOT NULL, publication text NOT NULL,"
    " fingerprint text, relation_fingerprint text, key_index oid,"
    " system_identifier text NOT NULL, timeline bigint NOT NULL, timezone text NOT NULL, date_order text NOT NULL,"
    " search_path text NOT NULL, rows_estimated bigint,"
    " token bigint NOT NULL, host text, pid int, version text,"
    " started_by text NOT NULL DEFAULT session_user,"
    " started_at timestamptz NOT NULL DEFAULT clock_timestamp(),"
    " updated_at timestamptz NOT NULL DEFAULT clock_timestamp());"
    "CREATE TABLE IF NOT EXISTS seachange.checkpoint ("
    " id text PRIMARY KEY, token bigint NOT NULL, applied pg_lsn NOT NULL,"
    " partial pg_lsn, partial_changes bigint NOT NULL DEFAULT 0, fence pg_lsn, fence_xid text,"
    " updated_at timestamptz NOT NULL DEFAULT clock_timestamp()) WITH (fillfactor = 10);"
    "CREATE TABLE IF NOT EXISTS seachange.part ("
    " id text NOT NULL, part int NOT NULL, parts int NOT NULL, step int NOT NULL, steps int NOT NULL,"
    " last pg_lsn NOT NULL, last_changes bigint NOT NULL, PRIMARY KEY (id, part)) WITH (fillfactor = 10);"
    "CREATE TABLE IF NOT EXISTS seachange.chunk ("
    " id text NOT NULL, number bigint NOT NULL, after_key text[], upto_key text[], rows bigint NOT NULL,"
    " PRIMARY KEY (id, number));"
    "CREATE TABLE IF NOT EXISTS seachange.verified (LIKE seachange.chunk INCLUDING ALL);"
    "CREATE TABLE IF NOT EXISTS seachange.audit ("
    " id text PRIMARY KEY, settings text NOT NULL, position pg_lsn NOT NULL, sequence bigint NOT NULL,"
    " partitions int NOT NULL, heads text NOT NULL, ended boolean NOT NULL, gap text,"
    " updated_at timestamptz NOT NULL DEFAULT clock_timestamp()) WITH (fillfactor = 10);"
    "CREATE TABLE IF NOT EXISTS seachange.todo ("
    " id text NOT NULL, number int NOT NULL, stage int NOT NULL, name text NOT NULL, sql text NOT NULL,"
    " done boolean NOT NULL DEFAULT false, PRIMARY KEY (id, number));"
    "CREATE TABLE IF NOT EXISTS seachange.mapped ("
    " id text NOT NULL, number int NOT NULL, ghost_column text NOT NULL, expression text NOT NULL,"
    " source_column text, inputs text[] NOT NULL, key_position int, PRIMARY KEY (id, number));";

void pg_name_objects(struct target *t, const char *id)
{
    snprintf(t->migration.id, sizeof(t->migration.id), "%s", id);
    mem_free(t->ghost_schema);
    mem_free(t->old_schema);
    mem_free(t->slot);
    mem_free(t->publication);
    mem_free(t->message_prefix);
    t->ghost_schema = mem_printf("seachange_new_%s", id);
    t->old_schema = mem_printf("seachange_old_%s", id);
    t->slot = mem_printf("seachange_%s", id);
    t->publication = mem_printf("seachange_%s", id);
    t->message_prefix = mem_printf("seachange/%s", id);
}

static enum sc_result begin_transaction(struct pg_conn *conn, struct sc_error *err)
{
    return pg_run(conn, err, "BEGIN");
}

static enum sc_result end_transaction(struct pg_conn *conn, enum sc_result result, struct sc_error *err)
{
    if (result == SC_OK)
        return pg_run(conn, err, "COMMIT");
    if (pg_alive(conn))
        pg_run(conn, NULL, "ROLLBACK");
    return result;
}

enum sc_result pg_state_exists(struct pg_conn *conn, bool *exists, struct sc_error *err)
{
    /* Asked first: without rights on the schema it is an error to look into it. */
    char *value = NULL, *owner = NULL;
    *exists = false;
    enum sc_result result =
        pg_value(conn, err, &owner,
                 "SELECT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(nspowner)) FROM pg_catalog.pg_namespace "
                 "WHERE nspname = 'seachange' AND NOT pg_catalog.pg_has_role(nspowner, 'USAGE')",
                 0, NULL);
    if (result == SC_OK && owner) {
        result =
            error_set(err, SC_REFUSE, "schema seachange of this database belongs to %s, whose rights you lack", owner);
        error_hint(err, "GRANT %s to your role, or migrate as %s: what is stored of all migrations is in there.", owner,
                   owner);
    }
    if (result == SC_OK)
        result = pg_value(conn, err, &value, "SELECT 1 WHERE pg_catalog.to_regclass('seachange.migration') IS NOT NULL",
                          0, NULL);
    *exists = value != NULL;
    mem_free(value);
    mem_free(owner);
    return result;
}

/* The table's OID as the operator's own session would resolve the name; a swapped migration's table resolves to its
 * ghost. */
enum sc_result pg_resolve_name(struct target *t, const char *option, const char *name, Oid *oid, struct sc_error *err)
{
    char *text = NULL;
    *oid = 0;
    enum sc_result result = begin_transaction(t->control, err);
    if (result != SC_OK)
        return result;
    char *was = NULL;
    result = pg_value(t->control, err, &was, "SELECT pg_catalog.set_config('search_path', $1, true)", 1,
                      (const char *[]){t->server.search_path});
    mem_free(was);
    if (result == SC_OK)
        result = pg_value(t->control, err, &text, "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", 1, &name);
    enum sc_result ended = end_transaction(t->control, result, err);
    *oid = text ? (Oid)strtoul(text, NULL, 10) : 0;
    mem_free(text);
    if (ended == SC_OK && !*oid)
        return error_set(err, SC_REFUSE, "there is no table %s in database %s", name, t->server.database);
    if (ended != SC_OK && err->sqlstate[0]) {
        err->result = SC_REFUSE;
        error_wrap(err, "--%s %s", option, name);
        return SC_REFUSE;
    }
    return ended;
}

enum sc_result pg_resolve_table(struct target *t, Oid *oid, struct sc_error *err)
{
    return pg_resolve_name(t, "table", t->spec.table, oid, err);
}

char *pg_column_text(const PGresult *res, int row, const char *name)
{
    int column = PQfnumber(res, name);
    return column < 0 || PQgetisnull(res, row, column) ? NULL : PQgetvalue(res, row, column);
}

uint64_t pg_column_number(const PGresult *res, int row, const char *name)
{
    const char *text = pg_column_text(res, row, name);
    return text ? strtoull(text, NULL, 10) : 0;
}

static void replace(char **slot, const char *text)
{
    mem_free(*slot);
    *slot = mem_strdup(text);
}

static enum sc_result refuse_changed_server(struct target *t, const PGresult *res, struct sc_error *err)
{
    uint64_t identifier = pg_column_number(res, 0, "system_identifier");
    uint64_t timeline = pg_column_number(res, 0, "timeline");
    if ((identifier == t->server.system_identifier && timeline == t->server.timeline) || PLANTED(C2_ANOTHER_SERVER))
        return SC_OK;
    error_set(err, SC_REFUSE,
              "migration %s was started on server %" PRIu64 " timeline %" PRIu64 ", this is server %" PRIu64
              " timeline %" PRIu32,
              t->migration.id, identifier, timeline, t->server.system_identifier, t->server.timeline);
    return error_hint(
        err,
        "After a failover its place in the log is gone and changes may be missing in the copy. The source table "
        "is complete: run `seachange abort %s` and start again.",
        t->migration.id);
}

/* Takes over what the row says. */
static enum sc_result take_row(struct target *t, const PGresult *res, struct sc_error *err)
{
    uint64_t format = pg_column_number(res, 0, "format");
    pg_name_objects(t, pg_column_text(res, 0, "id"));
    if (format > STATE_FORMAT && !PLANTED(C3_UNKNOWN_FORMAT_READ))
        return error_set(err, SC_REFUSE,
                         "migration %s was started by a newer seachange (its state has format %" PRIu64
                         ", this one reads up to %d)",
                         t->migration.id, format, STATE_FORMAT);
    if (!phase_from_stored(pg_column_text(res, 0, "phase"), &t->migration.phase))
        return error_set(err, SC_REFUSE, "migration %s is in a phase this seachange does not know: %s", t->migration.id,
                         pg_column_text(res, 0, "phase"));
    const char *alter = pg_column_text(res, 0, "alter_text");
    if (t->spec.alter && strcmp(alter, t->spec.alter) != 0) {
        error_set(err, SC_REFUSE, "a migration of this table with another ALTER is stored: %s: %s", t->migration.id,
                  alter);
        return error_hint(err, "Go on with it by giving the same --alter, or remove it with `seachange abort %s`.",
                          t->migration.id);
    }
    t->migration.resumed = true;
    t->source.oid = (Oid)pg_column_number(res, 0, "table_oid");
    t->ghost_oid = (Oid)pg_column_number(res, 0, "ghost_oid");
    t->source.schema = arena_strdup(&t->arena, pg_column_text(res, 0, "schema_name"));
    t->source.name = arena_strdup(&t->arena, pg_column_text(res, 0, "table_name"));
    char *table = pg_qualified(t->source.schema, t->source.name);
    t->migration.table = arena_strdup(&t->arena, table);
    mem_free(table);
    t->migration.rows_estimated = pg_column_number(res, 0, "rows_estimated");
    t->token = pg_column_number(res, 0, "token");
    replace(&t->fingerprint, pg_column_text(res, 0, "fingerprint"));
    replace(&t->relation_fingerprint, pg_column_text(res, 0, "relation_fingerprint"));
    t->key.index = (Oid)pg_column_number(res, 0, "key_index");
    /* Values convert as they did when the migration began, wherever it goes on. */
    replace(&t->server.timezone, pg_column_text(res, 0, "timezone"));
    replace(&t->server.date_order, pg_column_text(res, 0, "date_order"));
    replace(&t->server.search_path, pg_column_text(res, 0, "search_path"));
    return refuse_changed_server(t, res, err);
}

static enum sc_result find_stored(struct target *t, Oid named, struct sc_error *err)
{
    char oid[16];
    snprintf(oid, sizeof(oid), "%u", named);
    bool exists = false;
    enum sc_result result = pg_state_exists(t->control, &exists, err);
    if (result != SC_OK || !exists)
        return result;
    PGresult *res = NULL;
    result = pg_query(t->control, err, &res, "SELECT * FROM seachange.migration WHERE " STATE_OPEN_OF_TABLE, 1,
                      (const char *[]){oid});
    if (result != SC_OK && PLANTED(C4_ERROR_TAKEN_FOR_NONE))
        return SC_OK;
    if (result == SC_OK && PQntuples(res) > 1)
        result = error_set(err, SC_REFUSE, "more than one migration of table %s is stored; abort all but one",
                           t->spec.table);
    else if (result == SC_OK && PQntuples(res) == 1)
        result = take_row(t, res, err);
    PQclear(res);
    return result;
}

/* This instance's token is larger than any before it: an older instance that still believes it runs changes no row any
 * more. What it has in flight keeps the token as it is until it is over; so its sessions are ended first, as far as
 * they do not come again. */
static enum sc_result take_over(struct target *t, struct sc_error *err)
{
    enum sc_result result = pg_end_sessions(t, err);
    if (result != SC_OK)
        return result;
    char *token = NULL;
    char host[256] = "";
    gethostname(host, sizeof(host) - 1);
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    result = pg_run(t->control, err, "BEGIN; SET LOCAL lock_timeout = '15s'");
    if (result != SC_OK)
        return result;
    result = pg_value(t->control, err, &token,
                      "UPDATE seachange.migration SET token = token + 1, host = $2, pid = $3::pg_catalog.int4,"
                      " version = $4, updated_at = pg_catalog.clock_timestamp() WHERE id = $1 RETURNING token",
                      4, (const char *[]){t->migration.id, host, pid, SEACHANGE_VERSION});
    PGresult *res = NULL;
    if (result == SC_OK)
        result =
            pg_query(t->control, err, &res, "UPDATE seachange.checkpoint SET token = $2::pg_catalog.int8 WHERE id = $1",
                     2, (const char *[]){t->migration.id, token});
    PQclear(res);
    result = end_transaction(t->control, result, err);
    if (result == SC_OK && token)
        t->token = strtoull(token, NULL, 10);
    FAILPOINT(result, takeover_stored, err);
    mem_free(token);
    return result;
}

enum sc_result pg_begin(struct target *t, struct sc_error *err)
{
    struct pg_waited waited = {0};
    Oid named = 0;
    char *search_path = mem_strdup(t->server.search_path); /* finding a stored one replaces it */
    enum sc_result result = pg_resolve_table(t, &named, err);
    if (result == SC_OK)
        result = find_stored(t, named, err);
    /* The lock is on the source's OID, also when the name has come to mean the ghost. */
    Oid source = t->source.oid ? t->source.oid : named;
    if (result == SC_OK)
        result = pg_take_lock(t, source, &waited, err);
    if (result == SC_OK)
        result = pg_judge_another(t, source, named, search_path, &waited, err);
    if (result == SC_OK && t->migration.phase == PHASE_DONE) {
        log_info("another seachange has made this change while this one waited");
    } else if (result == SC_OK && t->migration.resumed) {
        /* Read again now that nobody else can change it. */
        result = find_stored(t, named, err);
        if (result == SC_OK)
            result = take_over(t, err);
    } else if (result == SC_OK) {
        char id[RANDOM_ID_TEXT];
        random_id(id);
        pg_name_objects(t, id);
        t->migration.phase = PHASE_PREFLIGHT;
    }
    mem_free(search_path);
    return result;
}

static enum sc_result create_row(struct target *t, struct sc_error *err)
{
    char host[256] = "";
    gethostname(host, sizeof(host) - 1);
    char oid[16], pid[16], identifier[24], timeline[16], token[24], rows[24], format[8];
    snprintf(oid, sizeof(oid), "%u", t->source.oid);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    snprintf(identifier, sizeof(identifier), "%" PRIu64, t->server.system_identifier);
    snprintf(timeline, sizeof(timeline), "%" PRIu32, t->server.timeline);
    snprintf(rows, sizeof(rows), "%" PRIu64, t->source.rows_estimated);
    snprintf(format, sizeof(format), "%d", STATE_FORMAT);
    t->token = random_number() >> 16;
    snprintf(token, sizeof(token), "%" PRIu64, t->token);
    t->migration.rows_estimated = t->source.rows_estimated;
    enum sc_result result = begin_transaction(t->control, err);
    if (result != SC_OK)
        return result;
    result = pg_run(t->control, err, "SELECT pg_catalog.pg_advisory_xact_lock(" STATE_SCHEMA_LOCK ")");
    /* Looking at a table makes the server take note of what others have committed: that the schema is not there is
     * remembered from before the lock. */
    if (result == SC_OK)
        result = pg_run(t->control, err, "SELECT pg_catalog.count(*) FROM pg_catalog.pg_namespace");
    if (result == SC_OK)
        result = pg_run(t->control, err, create_state);
    PGresult *res = NULL;
    if (result == SC_OK)
        result = pg_query(
            t->control, err, &res,
            "INSERT INTO seachange.migration (id, format, phase, schema_name, table_name, table_oid, alter_text,"
            " ghost_schema, old_schema, slot, publication, system_identifier, timeline, timezone, date_order,"
            " search_path, rows_estimated, token, host, pid, version) VALUES ($1, $2::int4, 'prepare', $3, $4, $5::oid,"
            " $6, $7, $8, $9, $10, $11, $12::int8, $13, $14, $15, $16::int8, $17::int8, $18, $19::int4, $20)",
            20,
            (const char *[]){t->migration.id,
                             format,
                             t->source.schema,
                             t->source.name,
                             oid,
                             t->spec.alter,
                             t->ghost_schema,
                             t->old_schema,
                             t->slot,
                             t->publication,
                             identifier,
                             timeline,
                             t->server.timezone,
                             t->server.date_order,
                             t->server.search_path,
                             rows,
                             token,
                             host,
                             pid,
                             SEACHANGE_VERSION});
    PQclear(res);
    FAILPOINT(result, state_before_row, err);
    result = end_transaction(t->control, result, err);
    if (result != SC_OK)
        error_wrap(err, "cannot write the migration's state into schema seachange");
    return result;
}

enum sc_result pg_enter_phase(struct target *t, enum phase phase, struct sc_error *err)
{
    if (phase == PHASE_PREFLIGHT)
        return SC_OK;
    if (phase == PHASE_PREPARE && !t->migration.resumed && t->migration.phase == PHASE_PREFLIGHT) {
        enum sc_result result = create_row(t, err);
        if (result == SC_OK)
            t->migration.phase = phase;
        return result;
    }
    char token[24];
    snprintf(token, sizeof(token), "%" PRIu64, t->token);
    char *one = NULL;
    enum sc_result result =
        pg_value(t->control, err, &one,
                 "UPDATE seachange.migration SET phase = $2, updated_at = pg_catalog.clock_timestamp()"
                 " WHERE id = $1 AND token = $3::pg_catalog.int8 RETURNING 1",
                 3, (const char *[]){t->migration.id, phase_stored_name(phase), token});
    if (result == SC_OK && !one)
        result =
            error_set(err, SC_FENCED, "another seachange has taken migration %s over; this one stops", t->migration.id);
    if (result == SC_OK)
        t->migration.phase = phase;
    mem_free(one);
    return result;
}

enum sc_result pg_check(struct target *t, struct sc_error *err)
{
    if (!pg_alive(t->control))
        return error_set(err, SC_RETRY, "the connection that holds the migration's lock is gone");
    char *fingerprint = NULL;
    enum sc_result result = pg_fingerprint(t->control, t->source.oid, &fingerprint, err);
    if (result == SC_OK && t->fingerprint && (!fingerprint || strcmp(fingerprint, t->fingerprint) != 0) &&
        !PLANTED(B9_DEFINITION_NOT_COMPARED)) {
        result = error_set(err, SC_FAIL, "somebody changed the definition of table %s.%s while it was being migrated",
                           t->source.schema, t->source.name);
        error_hint(err,
                   "The table is as they left it; the copy no longer fits. Run `seachange abort %s` and start again.",
                   t->migration.id);
    }
    mem_free(fingerprint);
    return result;
}
