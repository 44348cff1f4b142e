/* A standing stream in MySQL and MariaDB: a place in the binary log, kept in tables _seachange_stream and
 * _seachange_stream_table in the schema of its first table. Nothing keeps the server from purging its log: the stream
 * has to come back within binlog_expire_logs_seconds. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/mysql/conn.h"
#include "base/stop.h"
#include "cdc/audit/mysql/standing.h"
#include "cdc/mysql/log_end.h"
#include "cdc/mysql/position_text.h"

enum { FORMAT = 1, LOCK_WITHIN_S = 10, AGAIN_MS = 500, READ_LOCK_MS = 20000 };

struct standing {
    struct standing_spec spec; /* strings owned */
    struct my_server server;
    struct my_conn *control, *store;
    char *home; /* the schema it is stored in; NULL: nowhere yet */
    char id[9];
    char *application, *message_prefix, *identity;
    uint64_t token;
    struct position position;
    struct arena arena; /* the tables */
    struct standing_table *tables;
    size_t count;
};

/* --- statements
 * --------------------------------------------------------------------------------------------------------------- */

static void add_text(struct buf *sql, const char *before, const char *text)
{
    buf_str(sql, before);
    my_add_literal(sql, text);
}

static enum sc_result run(struct my_conn *conn, struct buf *sql, struct sc_error *err)
{
    enum sc_result result = my_run(conn, err, buf_cstr(sql));
    buf_clear(sql);
    return result;
}

static enum sc_result finish(struct my_conn *conn, enum sc_result result, struct sc_error *err)
{
    if (result == SC_OK)
        return my_run(conn, err, "COMMIT");
    if (my_alive(conn))
        my_run(conn, NULL, "ROLLBACK");
    return result;
}

/* --- what is stored
 * ----------------------------------------------------------------------------------------------------------- */

static void name_objects(struct standing *s, const char *id)
{
    snprintf(s->id, sizeof(s->id), "%s", id);
    mem_free(s->message_prefix);
    mem_free(s->application);
    s->message_prefix = mem_printf("seachange_audit/%s", id);
    s->application = mem_printf("seachange audit %s", id);
}

static enum sc_result damaged(const struct standing *s, struct sc_error *err)
{
    return error_set(err, SC_FAIL, "what tables " MY_STREAM "* of %s hold of stream %s is damaged", s->home,
                     s->spec.name);
}

/* schema_name, table_name, settings, sequence_number, partitions, heads */
static enum sc_result take_table(struct standing *s, MYSQL_ROW row, struct standing_table *t, struct sc_error *err)
{
    struct audit_state *state = &t->state;
    for (int i = 0; i < 6; i++)
        if (!row[i])
            return damaged(s, err);
    *t = (struct standing_table){.schema = arena_strdup(&s->arena, row[0]),
                                 .name = arena_strdup(&s->arena, row[1]),
                                 .settings = arena_strdup(&s->arena, row[2])};
    state->position = s->position;
    state->sequence = strtoull(row[3], NULL, 10);
    state->partitions = (int32_t)strtol(row[4], NULL, 10);
    if (state->partitions <= 0)
        return damaged(s, err);
    state->heads = arena_array(&s->arena, (size_t)state->partitions, sizeof(*state->heads));
    return audit_heads_parse(row[5], state->heads, state->partitions) ? SC_OK : damaged(s, err);
}

static enum sc_result load_tables(struct standing *s, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "SELECT schema_name, table_name, settings, sequence_number, partitions, heads FROM ");
    my_add_qualified(&sql, s->home, MY_STREAM_TABLE);
    buf_printf(&sql, " WHERE id = '%s' ORDER BY number", s->id);
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(s->control, err, &res, buf_cstr(&sql));
    buf_fini(&sql);
    if (result != SC_OK)
        return result;
    s->count = (size_t)mysql_num_rows(res);
    s->tables = arena_array(&s->arena, s->count + 1, sizeof(*s->tables));
    for (size_t i = 0; i < s->count && result == SC_OK; i++)
        result = take_table(s, mysql_fetch_row(res), &s->tables[i], err);
    mysql_free_result(res);
    return result == SC_OK && s->count == 0 ? damaged(s, err) : result;
}

/* id, format, server_identity, token, position_order, position_text */
static enum sc_result take_row(struct standing *s, MYSQL_ROW row, struct sc_error *err)
{
    for (int i = 0; i < 4; i++)
        if (!row[i])
            return damaged(s, err);
    name_objects(s, row[0]);
    mem_free(s->identity);
    s->identity = mem_strdup(row[2]);
    s->token = strtoull(row[3], NULL, 10);
    if (strtoull(row[1], NULL, 10) > FORMAT && !s->spec.removing)
        return error_set(err, SC_REFUSE, "stream %s was begun by a newer seachange (format %s)", s->spec.name, row[1]);
    if (!row[4] || s->spec.removing)
        return SC_OK;
    if (strcmp(s->identity, s->server.identity) != 0) {
        error_set(err, SC_REFUSE, "stream %s was begun on server %s, this is server %s", s->spec.name, s->identity,
                  s->server.identity);
        return error_hint(err, "Its place is one in the other server's log. Remove it with `seachange audit remove`, "
                               "and begin a new one; what was changed in between is in no topic.");
    }
    enum sc_result result = my_position_stored(row[4], row[5], &s->position, err);
    return result == SC_OK ? load_tables(s, err) : result;
}

/* Streams have their names for the whole server: *home is where the one of this name is stored, malloc'd. */
static enum sc_result find_home(struct standing *s, struct sc_error *err)
{
    MYSQL_RES *res = NULL;
    struct buf sql = {0};
    enum sc_result result = my_query(s->control, err, &res, MY_STREAM_HOMES);
    MYSQL_ROW row;
    while (result == SC_OK && (row = mysql_fetch_row(res))) {
        char *one = NULL;
        buf_clear(&sql);
        buf_str(&sql, "SELECT 1 FROM ");
        my_add_qualified(&sql, row[0], MY_STREAM);
        add_text(&sql, " WHERE name = ", s->spec.name);
        result = my_value(s->control, err, &one, buf_cstr(&sql));
        if (result == SC_OK && one && s->home)
            result =
                error_set(err, SC_REFUSE, "stream %s is stored twice, in %s and in %s", s->spec.name, s->home, row[0]);
        else if (result == SC_OK && one)
            s->home = mem_strdup(row[0]);
        mem_free(one);
    }
    mysql_free_result(res);
    buf_fini(&sql);
    return result;
}

static enum sc_result load(struct standing *s, struct sc_error *err)
{
    if (!s->home)
        return SC_OK;
    struct buf sql = {0};
    buf_str(&sql, "SELECT id, format, server_identity, token, position_order, position_text FROM ");
    my_add_qualified(&sql, s->home, MY_STREAM);
    add_text(&sql, " WHERE name = ", s->spec.name);
    MYSQL_RES *res = NULL;
    enum sc_result result = my_query(s->control, err, &res, buf_cstr(&sql));
    buf_fini(&sql);
    MYSQL_ROW row = result == SC_OK ? mysql_fetch_row(res) : NULL;
    if (row)
        result = take_row(s, row, err);
    mysql_free_result(res);
    return result;
}

/* --- who runs it
 * -------------------------------------------------------------------------------------------------------------- */

/* One that was killed leaves its session behind for a moment. */
static enum sc_result take_lock(struct standing *s, struct sc_error *err)
{
    int64_t until_us = clock_us() + LOCK_WITHIN_S * INT64_C(1000000);
    char *got = NULL;
    enum sc_result result;
    do {
        mem_free(got);
        result = my_valuef(s->control, err, &got, "SELECT GET_LOCK('seachange audit %s', 1)", s->spec.name);
        if (result != SC_OK || (got && got[0] == '1')) {
            mem_free(got);
            return result;
        }
    } while (clock_us() < until_us && !stop_requested());
    mem_free(got);
    if (stop_requested())
        return error_set(err, SC_STOP, "stopped by a signal while another process runs stream %s", s->spec.name);
    error_set(err, SC_REFUSE, "another seachange runs stream %s", s->spec.name);
    return error_hint(err,
                      "Two would send everything twice; stop it first. Its session holds the lock `seachange audit "
                      "%s` (IS_USED_LOCK).",
                      s->spec.name);
}

/* From here on an earlier instance that still lives stores nothing any more; then what is stored is read. */
static enum sc_result take_over(struct standing *s, struct sc_error *err)
{
    if (!s->home)
        return SC_OK;
    struct buf sql = {0};
    buf_str(&sql, "UPDATE ");
    my_add_qualified(&sql, s->home, MY_STREAM);
    add_text(&sql, " SET token = token + 1 WHERE name = ", s->spec.name);
    enum sc_result result = run(s->control, &sql, err);
    buf_fini(&sql);
    return result;
}

static void standing_close(struct standing *s)
{
    if (!s)
        return;
    my_close(s->control);
    my_close(s->store);
    my_server_fini(&s->server);
    arena_fini(&s->arena);
    mem_free(s->home);
    mem_free(s->identity);
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
    enum sc_result result = my_server_learn(&s->server, "stream", &s->control, err);
    if (result == SC_OK)
        result = take_lock(s, err);
    if (result == SC_OK)
        result = my_run(s->control, err, "SET SESSION lock_wait_timeout = 10, innodb_lock_wait_timeout = 10");
    if (result == SC_OK)
        result = find_home(s, err);
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

/* Streams of other names come and go meanwhile: the tables are made, and dropped, by whoever holds this lock. */
static enum sc_result lock_state(struct standing *s, struct sc_error *err)
{
    char *got = NULL;
    enum sc_result result = my_value(s->control, err, &got, "SELECT GET_LOCK('seachange audit', 30)");
    if (result == SC_OK && (!got || got[0] != '1'))
        result = error_set(err, SC_RETRY, "another seachange is making or dropping the tables " MY_STREAM "*");
    mem_free(got);
    return result;
}

static void unlock_state(struct standing *s)
{
    if (my_alive(s->control))
        my_run(s->control, NULL, "DO RELEASE_LOCK('seachange audit')");
}

/* The tables go with their last stream. */
static enum sc_result remove_rows(struct standing *s, struct sc_error *err)
{
    struct buf sql = {0};
    const char *const tables[] = {MY_STREAM_TABLE, MY_STREAM};
    enum sc_result result = my_run(s->control, err, "START TRANSACTION");
    for (int i = 0; i < 2 && result == SC_OK; i++) {
        buf_str(&sql, "DELETE FROM ");
        my_add_qualified(&sql, s->home, tables[i]);
        buf_printf(&sql, " WHERE id = '%s'", s->id);
        result = run(s->control, &sql, err);
    }
    result = finish(s->control, result, err);
    char *left = NULL;
    if (result == SC_OK) {
        buf_str(&sql, "SELECT 1 FROM ");
        my_add_qualified(&sql, s->home, MY_STREAM);
        buf_str(&sql, " LIMIT 1");
        result = my_value(s->control, err, &left, buf_cstr(&sql));
        buf_clear(&sql);
    }
    for (int i = 0; i < 2 && result == SC_OK && !left; i++) {
        buf_str(&sql, "DROP TABLE IF EXISTS ");
        my_add_qualified(&sql, s->home, tables[i]);
        result = run(s->control, &sql, err);
    }
    mem_free(left);
    buf_fini(&sql);
    return result;
}

static enum sc_result standing_remove(struct standing *s, struct sc_error *err)
{
    if (!s->id[0])
        return SC_OK;
    enum sc_result result = lock_state(s, err);
    if (result != SC_OK)
        return result;
    result = remove_rows(s, err);
    unlock_state(s);
    if (result == SC_OK)
        s->id[0] = 0;
    return result;
}

#define OPTIONS                                                                                                        \
    ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='seachange: where streams of seachange "      \
    "audit "                                                                                                           \
    "stand'"

static enum sc_result make_state(struct standing *s, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "CREATE TABLE IF NOT EXISTS ");
    my_add_qualified(&sql, s->home, MY_STREAM);
    buf_str(&sql, " (name varchar(64) NOT NULL PRIMARY KEY, id varchar(16) NOT NULL UNIQUE, format int NOT NULL,"
                  " server_identity varchar(255) NOT NULL, token bigint unsigned NOT NULL,"
                  " position_order bigint unsigned, position_text varchar(512), started_by varchar(255) NOT NULL,"
                  " started_at datetime NOT NULL, updated_at datetime NOT NULL" OPTIONS);
    enum sc_result result = run(s->control, &sql, err);
    buf_str(&sql, "CREATE TABLE IF NOT EXISTS ");
    my_add_qualified(&sql, s->home, MY_STREAM_TABLE);
    buf_str(&sql, " (id varchar(16) NOT NULL, number int NOT NULL, schema_name varchar(64) NOT NULL,"
                  " table_name varchar(64) NOT NULL, settings longtext NOT NULL, sequence_number bigint unsigned NOT"
                  " NULL, partitions int NOT NULL, heads longtext NOT NULL, PRIMARY KEY (id, number)" OPTIONS);
    if (result == SC_OK)
        result = run(s->control, &sql, err);
    buf_fini(&sql);
    return result == SC_OK
               ? SC_OK
               : error_wrap(err, "what is known of the stream cannot be kept in tables " MY_STREAM "* of %s", s->home);
}

static enum sc_result store_row(struct standing *s, struct sc_error *err)
{
    uint32_t random = 0;
    char id[9];
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return error_set(err, SC_FAIL, "the system gives no random number for the stream's id");
    snprintf(id, sizeof(id), "%08" PRIx32, random);
    struct buf sql = {0};
    buf_str(&sql, "INSERT INTO ");
    my_add_qualified(&sql, s->home, MY_STREAM);
    buf_printf(&sql,
               " SET id = '%s', format = %d, token = 1, started_by = CURRENT_USER(), started_at ="
               " UTC_TIMESTAMP(), updated_at = UTC_TIMESTAMP()",
               id, FORMAT);
    add_text(&sql, ", name = ", s->spec.name);
    add_text(&sql, ", server_identity = ", s->server.identity);
    enum sc_result result = run(s->control, &sql, err);
    buf_fini(&sql);
    if (result != SC_OK)
        return result;
    name_objects(s, id);
    mem_free(s->identity);
    s->identity = mem_strdup(s->server.identity);
    s->token = 1;
    return SC_OK;
}

/* Nobody has changed a row of the tables without having committed that, while they are locked so: neither an open
 * transaction nor one that is prepared, whose connection may be gone (InnoDB's own lock counts then). */
static enum sc_result lock_tables(struct standing *s, struct my_conn *conn, const char *mode, struct sc_error *err)
{
    struct buf sql = {0};
    enum sc_result result = my_run(conn, err,
                                   "SET SESSION autocommit = 0, innodb_table_locks = 1, lock_wait_timeout = 1,"
                                   " innodb_lock_wait_timeout = 1");
    for (size_t i = 0; i < s->spec.ntables; i++) {
        buf_str(&sql, i ? ", " : "LOCK TABLES ");
        my_add_qualified(&sql, s->spec.tables[2 * i], s->spec.tables[2 * i + 1]);
        buf_printf(&sql, " %s", mode);
    }
    if (result == SC_OK)
        result = run(conn, &sql, err);
    buf_fini(&sql);
    return result;
}

static enum sc_result place_under_lock(struct standing *s, const char *mode, struct sc_error *err)
{
    struct my_conn *conn = NULL;
    enum sc_result result = my_open(&s->server, "place", MY_DDL, &conn, err);
    if (result == SC_OK)
        result = lock_tables(s, conn, mode, err);
    if (result == SC_OK)
        result = my_log_end(s->control, &s->position, err);
    my_close(conn);
    return result;
}

/* The lock is held for as long as it takes to ask for the log's end. An XA transaction's rows are in the log where it
 * is prepared: one that was prepared before the place, and commits behind it, would be in neither. A lock for reading
 * makes nobody wait who writes, but may never be granted where somebody always does; one for writing is, within the
 * second that others wait for it. */
static enum sc_result find_place(struct standing *s, struct sc_error *err)
{
    int64_t began_us = clock_us();
    for (bool told = false;; told = true) {
        int64_t waited_ms = (clock_us() - began_us) / 1000;
        enum sc_result result = place_under_lock(s, waited_ms < READ_LOCK_MS ? "READ" : "WRITE", err);
        if (result != SC_RETRY || !my_alive(s->control))
            return result;
        if (stop_requested())
            return error_set(err, SC_STOP, "stopped by a signal while transactions on the tables were open");
        if (waited_ms > s->spec.wait_ms) {
            error_wrap(err, "for %" PRId64 " s transactions that have changed tables of the stream have been open",
                       s->spec.wait_ms / 1000);
            error_hint(err,
                       "They may be prepared ones, without a connection: XA RECOVER shows those. Nothing was sent.");
            return err->result = SC_REFUSE;
        }
        if (!told && s->spec.progress)
            s->spec.progress(s->spec.progress_arg, "waiting for transactions on the tables that are open");
        clock_sleep_ms(AGAIN_MS);
    }
}

static enum sc_result store_tables(struct standing *s, const struct standing_table *tables, size_t count,
                                   struct sc_error *err)
{
    struct buf sql = {0};
    enum sc_result result = my_run(s->control, err, "START TRANSACTION");
    for (size_t i = 0; i < count && result == SC_OK; i++) {
        const struct standing_table *t = &tables[i];
        buf_str(&sql, "INSERT INTO ");
        my_add_qualified(&sql, s->home, MY_STREAM_TABLE);
        buf_printf(&sql, " SET id = '%s', number = %zu, sequence_number = %" PRIu64 ", partitions = %" PRId32, s->id, i,
                   t->state.sequence, t->state.partitions);
        add_text(&sql, ", schema_name = ", t->schema);
        add_text(&sql, ", table_name = ", t->name);
        add_text(&sql, ", settings = ", t->settings);
        buf_str(&sql, ", heads = '");
        audit_heads_format(&sql, t->state.heads, t->state.partitions);
        buf_char(&sql, '\'');
        result = run(s->control, &sql, err);
    }
    if (result == SC_OK) {
        buf_str(&sql, "UPDATE ");
        my_add_qualified(&sql, s->home, MY_STREAM);
        buf_printf(&sql, " SET position_order = %" PRIu64, s->position.order);
        add_text(&sql, ", position_text = ", s->position.text);
        buf_printf(&sql, " WHERE id = '%s'", s->id);
        result = run(s->control, &sql, err);
    }
    FAILPOINT(result, standing_before_begun, err);
    buf_fini(&sql);
    return finish(s->control, result, err);
}

/* A server that commits in the order of its log has made visible what is before the place when it has committed
 * something behind it (binlog_order_commits; MariaDB always does). */
static enum sc_result wait_until_seen(struct standing *s, struct sc_error *err)
{
    char *ordered = NULL;
    enum sc_result result = SC_OK;
    if (s->server.family == MY_MYSQL)
        result = my_value(s->control, err, &ordered, "SELECT @@GLOBAL.binlog_order_commits");
    bool unordered = ordered && ordered[0] == '0';
    mem_free(ordered);
    if (result == SC_OK && unordered)
        return error_set(err, SC_REFUSE,
                         "the server does not commit in the order of its log (binlog_order_commits is "
                         "off), and the tables cannot be read as they are at one place of it");
    struct buf sql = {0};
    buf_str(&sql, "UPDATE ");
    my_add_qualified(&sql, s->home, MY_STREAM);
    buf_printf(&sql, " SET token = token + 1 WHERE id = '%s'", s->id);
    if (result == SC_OK)
        result = run(s->control, &sql, err);
    buf_fini(&sql);
    if (result == SC_OK)
        s->token++;
    return result;
}

static enum sc_result standing_begin(struct standing *s, const struct standing_table *tables, size_t count,
                                     enum sc_result (*copy)(void *arg, struct sc_error *err), void *arg,
                                     struct sc_error *err)
{
    enum sc_result result = s->id[0] ? standing_remove(s, err) : SC_OK;
    if (!s->home)
        s->home = mem_strdup(s->spec.tables[0]);
    if (result == SC_OK)
        result = lock_state(s, err);
    if (result == SC_OK)
        result = make_state(s, err);
    if (result == SC_OK)
        result = store_row(s, err);
    unlock_state(s);
    FAILPOINT(result, standing_row_stored, err);
    if (result == SC_OK)
        result = find_place(s, err);
    if (result == SC_OK && copy)
        result = wait_until_seen(s, err);
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
    out->message_prefix = s->message_prefix;
    out->server_identity = s->identity;
    out->start = s->position;
}

/* What happens to the tables stands in the log; here only that nobody else runs the stream. */
static enum sc_result standing_check(struct standing *s, struct sc_error *err)
{
    char *ours = NULL;
    enum sc_result result =
        my_valuef(s->control, err, &ours, "SELECT IS_USED_LOCK('seachange audit %s') = CONNECTION_ID()", s->spec.name);
    if (result == SC_OK && (!ours || ours[0] != '1'))
        result = error_set(err, SC_RETRY, "the lock of stream %s was taken away", s->spec.name);
    mem_free(ours);
    return result;
}

/* The row is locked first, so that the token stays what it is until the end. */
static enum sc_result store_states(struct standing *s, const struct audit_state *states, struct sc_error *err)
{
    struct buf sql = {0};
    char *ours = NULL;
    enum sc_result result = my_run(s->store, err, "START TRANSACTION");
    buf_str(&sql, "SELECT 1 FROM ");
    my_add_qualified(&sql, s->home, MY_STREAM);
    buf_printf(&sql, " WHERE id = '%s' AND token = %" PRIu64 " FOR UPDATE", s->id, s->token);
    if (result == SC_OK)
        result = my_value(s->store, err, &ours, buf_cstr(&sql));
    if (result == SC_OK && !ours)
        result = error_set(err, SC_FENCED, "another seachange has taken stream %s over; this one stops", s->spec.name);
    mem_free(ours);
    buf_clear(&sql);
    for (size_t i = 0; i < s->count && result == SC_OK; i++) {
        buf_str(&sql, "UPDATE ");
        my_add_qualified(&sql, s->home, MY_STREAM_TABLE);
        buf_printf(&sql, " SET sequence_number = %" PRIu64 ", heads = '", states[i].sequence);
        audit_heads_format(&sql, states[i].heads, states[i].partitions);
        buf_printf(&sql, "' WHERE id = '%s' AND number = %zu", s->id, i);
        result = run(s->store, &sql, err);
    }
    if (result == SC_OK) {
        buf_str(&sql, "UPDATE ");
        my_add_qualified(&sql, s->home, MY_STREAM);
        buf_printf(&sql, " SET updated_at = UTC_TIMESTAMP(), position_order = %" PRIu64, states[0].position.order);
        add_text(&sql, ", position_text = ", states[0].position.text);
        buf_printf(&sql, " WHERE id = '%s'", s->id);
        result = run(s->store, &sql, err);
    }
    buf_fini(&sql);
    return finish(s->store, result, err);
}

static enum sc_result standing_store(struct standing *s, const struct audit_state *states, struct sc_error *err)
{
    enum sc_result result = SC_OK;
    FAILPOINT(result, standing_before_store, err);
    if (result == SC_OK && !s->store)
        result = my_open(&s->server, "place", MY_DDL, &s->store, err);
    if (result == SC_OK)
        result = store_states(s, states, err);
    FAILPOINT(result, standing_place_stored, err);
    if (result == SC_RETRY) {
        my_close(s->store);
        s->store = NULL;
    }
    return result;
}

const struct standing_ops my_standing = {
    .open = standing_open,
    .close = standing_close,
    .stored = standing_stored,
    .id = standing_id,
    .begin = standing_begin,
    .source = standing_source,
    .check = standing_check,
    .store = standing_store,
    .look = my_standing_look,
    .remove = standing_remove,
};
