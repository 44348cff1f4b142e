/* A standing stream in MySQL and MariaDB: a place in the binary log, kept in tables _seachange_stream and
 * _seachange_stream_table in the schema of its first table. Nothing keeps the server from purging its log: the stream
 * has to come back within binlog_expire_logs_seconds. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/mysql/conn.h"
#include "base/random.h"
#include "base/stop.h"
#include "cdc/audit/mysql/standing.h"
#include "cdc/mysql/log_end.h"
#include "cdc/mysql/position_text.h"

enum { LOCK_WITHIN_S = 10 };

/* --- statements
 * --------------------------------------------------------------------------------------------------------------- */

void my_standing_add_text(struct buf *sql, const char *before, const char *text)
{
    buf_str(sql, before);
    my_add_literal(sql, text);
}

enum sc_result my_standing_run(struct my_conn *conn, struct buf *sql, struct sc_error *err)
{
    enum sc_result result = my_run(conn, err, buf_cstr(sql));
    buf_clear(sql);
    return result;
}

enum sc_result my_standing_finish(struct my_conn *conn, enum sc_result result, struct sc_error *err)
{
    if (result == SC_OK)
        return my_run(conn, err, "COMMIT");
    if (my_alive(conn))
        my_run(conn, NULL, "ROLLBACK");
    return result;
}

/* --- what is stored
 * ----------------------------------------------------------------------------------------------------------- */

void my_standing_named(struct standing *s, const char *id)
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
    const char *form = standing_form(t->settings);
    state->altered = form && strncmp(form, STANDING_FORM STANDING_TOLD ";", sizeof(STANDING_FORM STANDING_TOLD)) == 0;
    return audit_state_read(state, &s->arena, row[3], row[4], row[5]) ? SC_OK : damaged(s, err);
}

enum sc_result my_standing_load_tables(struct standing *s, struct sc_error *err)
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
    my_standing_named(s, row[0]);
    mem_free(s->identity);
    s->identity = mem_strdup(row[2]);
    s->token = strtoull(row[3], NULL, 10);
    if (strtoull(row[1], NULL, 10) > MY_STREAM_FORMAT && !s->spec.removing)
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
    return result == SC_OK ? my_standing_load_tables(s, err) : result;
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
        my_standing_add_text(&sql, " WHERE name = ", s->spec.name);
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
    my_standing_add_text(&sql, " WHERE name = ", s->spec.name);
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
    my_standing_add_text(&sql, " SET token = token + 1 WHERE name = ", s->spec.name);
    enum sc_result result = my_standing_run(s->control, &sql, err);
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

/* The digest of the columns goes: they are not what they were when the stream was begun. */
static void add_altered(struct buf *sql, const char *settings)
{
    const char *form = standing_form(settings);
    if (!form)
        return;
    struct buf text = {0};
    form += strlen(STANDING_FORM);
    buf_bytes(&text, settings, (size_t)(form - settings));
    buf_printf(&text, "%s%s", STANDING_TOLD, form + strcspn(form, ";"));
    my_standing_add_text(sql, ", settings = ", buf_cstr(&text));
    buf_fini(&text);
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
        buf_char(&sql, '\'');
        if (states[i].altered)
            add_altered(&sql, s->tables[i].settings);
        buf_printf(&sql, " WHERE id = '%s' AND number = %zu", s->id, i);
        result = my_standing_run(s->store, &sql, err);
    }
    if (result == SC_OK) {
        buf_str(&sql, "UPDATE ");
        my_add_qualified(&sql, s->home, MY_STREAM);
        buf_printf(&sql, " SET updated_at = UTC_TIMESTAMP(), position_order = %" PRIu64, states[0].position.order);
        my_standing_add_text(&sql, ", position_text = ", states[0].position.text);
        buf_printf(&sql, " WHERE id = '%s'", s->id);
        result = my_standing_run(s->store, &sql, err);
    }
    buf_fini(&sql);
    return my_standing_finish(s->store, result, err);
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
    .begin = my_standing_begin,
    .source = standing_source,
    .check = standing_check,
    .store = standing_store,
    .look = my_standing_look,
    .list = my_standing_list,
    .remove = my_standing_remove,
};
