/* Making and removing what is stored of a standing stream in MySQL and MariaDB, and where in the log it begins. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/plant.h"
#include "base/random.h"
#include "base/stop.h"
#include "cdc/audit/mysql/standing.h"
#include "cdc/mysql/log_end.h"
#include "cdc/mysql/position_text.h"

enum { AGAIN_MS = 500, READ_LOCK_MS = 20000 };

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
        result = my_standing_run(s->control, &sql, err);
    }
    result = my_standing_finish(s->control, result, err);
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
        result = my_standing_run(s->control, &sql, err);
    }
    mem_free(left);
    buf_fini(&sql);
    return result;
}

enum sc_result my_standing_remove(struct standing *s, struct sc_error *err)
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
    ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"                                                      \
    " COMMENT='seachange: where streams of seachange audit stand'"

static enum sc_result make_state(struct standing *s, struct sc_error *err)
{
    struct buf sql = {0};
    buf_str(&sql, "CREATE TABLE IF NOT EXISTS ");
    my_add_qualified(&sql, s->home, MY_STREAM);
    buf_str(&sql, " (name varchar(64) NOT NULL PRIMARY KEY, id varchar(16) NOT NULL UNIQUE, format int NOT NULL,"
                  " server_identity varchar(255) NOT NULL, token bigint unsigned NOT NULL,"
                  " position_order bigint unsigned, position_text varchar(512), started_by varchar(255) NOT NULL,"
                  " started_at datetime NOT NULL, updated_at datetime NOT NULL" OPTIONS);
    enum sc_result result = my_standing_run(s->control, &sql, err);
    buf_str(&sql, "CREATE TABLE IF NOT EXISTS ");
    my_add_qualified(&sql, s->home, MY_STREAM_TABLE);
    buf_str(&sql, " (id varchar(16) NOT NULL, number int NOT NULL, schema_name varchar(64) NOT NULL,"
                  " table_name varchar(64) NOT NULL, settings longtext NOT NULL, sequence_number bigint unsigned NOT"
                  " NULL, partitions int NOT NULL, heads longtext NOT NULL, PRIMARY KEY (id, number)" OPTIONS);
    if (result == SC_OK)
        result = my_standing_run(s->control, &sql, err);
    buf_fini(&sql);
    return result == SC_OK
               ? SC_OK
               : error_wrap(err, "what is known of the stream cannot be kept in tables " MY_STREAM "* of %s", s->home);
}

static enum sc_result store_row(struct standing *s, struct sc_error *err)
{
    char id[RANDOM_ID_TEXT];
    random_id(id);
    struct buf sql = {0};
    buf_str(&sql, "INSERT INTO ");
    my_add_qualified(&sql, s->home, MY_STREAM);
    buf_printf(&sql,
               " SET id = '%s', format = %d, token = 1, started_by = CURRENT_USER(), started_at ="
               " UTC_TIMESTAMP(), updated_at = UTC_TIMESTAMP()",
               id, MY_STREAM_FORMAT);
    my_standing_add_text(&sql, ", name = ", s->spec.name);
    my_standing_add_text(&sql, ", server_identity = ", s->server.identity);
    enum sc_result result = my_standing_run(s->control, &sql, err);
    buf_fini(&sql);
    if (result != SC_OK)
        return result;
    my_standing_named(s, id);
    mem_free(s->identity);
    s->identity = mem_strdup(s->server.identity);
    s->token = 1;
    return SC_OK;
}

/* While they are locked so, every change of their rows that is in the log can be seen by queries, and no row is changed
 * that is not in it yet: whoever writes holds the table from before that until after InnoDB's commit, also while a
 * replica is waited for (AFTER_SYNC), and so does a prepared transaction, whose connection may be gone (InnoDB's own
 * lock counts then). */
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
        result = my_standing_run(conn, &sql, err);
    buf_fini(&sql);
    return result;
}

static enum sc_result place_under_lock(struct standing *s, const char *mode, struct sc_error *err)
{
    struct my_conn *conn = NULL;
    enum sc_result result = my_open(&s->server, "place", MY_DDL, &conn, err);
    if (result == SC_OK && !PLANTED(E10_PLACE_WITHOUT_LOCK))
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
        my_standing_add_text(&sql, ", schema_name = ", t->schema);
        my_standing_add_text(&sql, ", table_name = ", t->name);
        my_standing_add_text(&sql, ", settings = ", t->settings);
        buf_str(&sql, ", heads = '");
        audit_heads_format(&sql, t->state.heads, t->state.partitions);
        buf_char(&sql, '\'');
        result = my_standing_run(s->control, &sql, err);
    }
    if (result == SC_OK) {
        buf_str(&sql, "UPDATE ");
        my_add_qualified(&sql, s->home, MY_STREAM);
        buf_printf(&sql, " SET position_order = %" PRIu64, s->position.order);
        my_standing_add_text(&sql, ", position_text = ", s->position.text);
        buf_printf(&sql, " WHERE id = '%s'", s->id);
        result = my_standing_run(s->control, &sql, err);
    }
    FAILPOINT(result, standing_before_begun, err);
    buf_fini(&sql);
    return my_standing_finish(s->control, result, err);
}

enum sc_result my_standing_begin(struct standing *s, const struct standing_table *tables, size_t count,
                                 enum sc_result (*copy)(void *arg, struct sc_error *err), void *arg,
                                 struct sc_error *err)
{
    enum sc_result result = s->id[0] ? my_standing_remove(s, err) : SC_OK;
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
        result = copy(arg, err);
    if (result == SC_OK)
        result = store_tables(s, tables, count, err);
    if (result != SC_OK) {
        s->position = (struct position){0};
        return result;
    }
    return my_standing_load_tables(s, err);
}
