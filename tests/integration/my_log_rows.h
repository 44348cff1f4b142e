/* Rows of every type on a real server, and what its binary log says of them.
 *
 * SEACHANGE_TEST_MYSQL_URL: an account that may do everything, on a throwaway server with log_bin and
 * binlog_format=ROW. */
#ifndef SC_TESTS_INTEGRATION_MY_LOG_ROWS_H
#define SC_TESTS_INTEGRATION_MY_LOG_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "applier/mysql/literal.h"
#include "base/log.h"
#include "base/mysql/conn.h"
#include "cdc/mysql/json.h"
#include "cdc/mysql/log_end.h"
#include "cdc/mysql/mysql.h"
#include "cdc/spool.h"
#include "elsewhere.h"
#include "my_value_cases.h"

enum { MAX_ROWS = 400 };

/* What the log said of one table: rows in order. */
struct rows {
    struct arena arena;
    int count;
    struct value *row[MAX_ROWS];
};

struct world {
    struct my_server server;
    struct my_conn *sql, *data; /* lax, as some applications are; and as the applier is */
    char directory[64];
    int markers;
    struct spool *spool; /* while the log is read */
    struct source *source;
    const struct source_table *told; /* the log is to tell its columns, with what is known beside; NULL: the catalog */
    int wrong;                       /* complaints; all types are looked at before the test fails */
};

static inline void complain(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void complain(struct world *w, const char *format, ...)
{
    struct buf b = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&b, format, args);
    va_end(args);
    print_error("%.800s\n", buf_cstr(&b));
    buf_fini(&b);
    w->wrong++;
}

static inline void run(struct my_conn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void run(struct my_conn *conn, const char *format, ...)
{
    struct sc_error err;
    struct buf sql = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&sql, format, args);
    va_end(args);
    if (my_run(conn, &err, buf_cstr(&sql)) != SC_OK)
        fail_msg("%.300s: %s", buf_cstr(&sql), err.what);
    buf_fini(&sql);
}

static inline char *ask(struct my_conn *conn, const char *sql)
{
    struct sc_error err;
    char *value = NULL;
    if (my_value(conn, &err, &value, sql) != SC_OK)
        fail_msg("%.300s: %s", sql, err.what);
    return value;
}

static inline bool is_for(const struct world *w, const struct value_case *c)
{
    return (c->family == ANY || c->family == (int)w->server.family) && w->server.version >= c->since;
}

static inline int begin(void **state)
{
    const char *url = getenv("SEACHANGE_TEST_MYSQL_URL");
    if (!url)
        return 0;
    struct sc_error err;
    log_setup(LOG_WARN, false);
    struct world *w = mem_alloc(sizeof(*w));
    w->server.url = mem_strdup(url);
    w->server.application = mem_strdup("seachange test");
    if (my_server_learn(&w->server, "test", &w->sql, &err) != SC_OK ||
        my_open(&w->server, "test data", MY_DATA, &w->data, &err) != SC_OK) {
        print_error("%s\n", err.what);
        return 1;
    }
    run(w->sql, "DROP DATABASE IF EXISTS sc_values");
    run(w->sql, "CREATE DATABASE sc_values CHARACTER SET utf8mb4");
    run(w->sql, "USE sc_values");
    run(w->data, "USE sc_values");
    run(w->sql, "SET sql_mode = '', NAMES utf8mb4, time_zone = '+00:00'");
    run(w->sql, "CREATE TABLE _seachange_marker (id varchar(16) PRIMARY KEY, text varchar(255))");
    if (w->server.family == MY_MYSQL) {
        run(w->sql, "CREATE TABLE opaques (id int PRIMARY KEY, b binary(5), vb varbinary(5), tb tinyblob, bl blob,"
                    " mb mediumblob, lb longblob, bi bit(9), y year, ts timestamp(3) NULL, dt datetime, d date,"
                    " t time(2), de decimal(12,3), f float, e enum('q'), s set('a'), g point)");
        run(w->sql, "INSERT INTO opaques VALUES (1, X'FF00', X'FF', X'FE00', X'FD', X'FC', X'FB', b'100000111', 2024,"
                    " '2024-01-01 00:00:01.125', '2024-01-01', '2024-01-01', '-10:00:00.25', 1.5, 0.1, 'q', 'a',"
                    " point(1,2))");
    }
    snprintf(w->directory, sizeof(w->directory), "/tmp/seachange-values-XXXXXX");
    assert_non_null(mkdtemp(w->directory));
    *state = w;
    return 0;
}

static inline void stop_reading(struct world *w)
{
    (mysql_source.stop)(w->source);
    spool_close(w->spool);
    w->source = NULL;
    w->spool = NULL;
}

static inline int end(void **state)
{
    struct world *w = *state;
    if (!w)
        return 0;
    struct sc_error err;
    stop_reading(w);
    rmdir(w->directory);
    (void)my_run(w->sql, &err, "DROP DATABASE sc_values");
    my_close(w->sql);
    my_close(w->data);
    my_server_fini(&w->server);
    mem_free(w);
    return 0;
}

static inline struct world *need(void **state)
{
    if (!*state) {
        print_message("SEACHANGE_TEST_MYSQL_URL is not set\n");
        skip();
    }
    struct world *w = *state;
    stop_reading(w); /* of a test that failed */
    w->told = NULL;
    w->wrong = 0;
    return w;
}

/* --- the log --- */

static inline struct value *copy_row(struct arena *arena, const struct value *row, uint16_t n)
{
    struct value *copy = arena_array(arena, n, sizeof(*copy));
    for (uint16_t i = 0; i < n; i++) {
        copy[i] = row[i];
        if (row[i].state == VALUE_PRESENT)
            copy[i].data = arena_copy(arena, row[i].data, row[i].len);
    }
    return copy;
}

static inline struct position log_end(struct world *w)
{
    struct position at;
    struct sc_error err;
    if (my_log_end(w->sql, &at, &err) != SC_OK)
        fail_msg("%s", err.what);
    return at;
}

/* All that the log says of the table since `from`. */
static inline void each_change(struct world *w, const struct my_table *table, const struct position *from,
                               void (*take)(void *arg, const struct change *change), void *arg)
{
    struct sc_error err;
    struct source_column *columns = mem_array((size_t)table->ncolumns, sizeof(*columns));
    bool *computed = mem_array((size_t)table->ncolumns, sizeof(*computed));
    for (int i = 0; i < table->ncolumns; i++)
        computed[i] = table->columns[i].generated;
    for (int i = 0; i < table->ncolumns; i++)
        columns[i] = (struct source_column){
            .name = table->columns[i].name, .type = table->columns[i].type, .collation = table->columns[i].collation};
    struct spool_config spool_config = {.directory = w->directory,
                                        .memory_bytes = 16 << 20,
                                        .block_bytes = 64 << 10,
                                        .segment_bytes = 64 << 20,
                                        .record_bytes = 64 << 20};
    struct source_table read = {.schema = "sc_values",
                                .name = table->name,
                                .columns = columns,
                                .ncolumns = (uint16_t)table->ncolumns,
                                .computed = computed};
    if (w->told) {
        read.told = true;
        read.untold = w->told->untold;
        read.nuntold = w->told->nuntold;
    }
    struct source_config config = {.goes_on = read.told,
                                   .url = w->server.url,
                                   .application = "seachange test",
                                   .message_prefix = "seachange/test",
                                   .tables = &read,
                                   .ntables = 1,
                                   .marker_schema = "sc_values",
                                   .server_identity = w->server.identity,
                                   .start = *from,
                                   .status_interval_ms = 300,
                                   .give_up_ms = 5000};
    run(w->sql, "REPLACE INTO _seachange_marker VALUES ('test', 'seachange/test end %d')", ++w->markers);
    char awaited[32];
    snprintf(awaited, sizeof(awaited), "end %d", w->markers);
    if (spool_open(&spool_config, &w->spool, &err) != SC_OK ||
        mysql_source.start(&config, w->spool, &w->source, &err) != SC_OK)
        fail_msg("%s", err.what);
    for (;;) {
        const void *record;
        size_t len;
        struct change change;
        struct arena arena = {0};
        if (spool_take(w->spool, &record, &len, 10000, &err) != SC_OK ||
            change_decode(&arena, record, len, &change, &err) != SC_OK)
            fail_msg("%s: %s", table->name, err.what);
        take(arg, &change);
        bool done = change.kind == CHANGE_MARKER && strcmp(change.marker, awaited) == 0;
        arena_fini(&arena);
        if (done)
            break;
    }
    stop_reading(w);
    mem_free(columns);
    mem_free(computed);
}

static inline void keep_new(void *arg, const struct change *change)
{
    struct rows *out = arg;
    if (change->new_row && out->count < MAX_ROWS)
        out->row[out->count++] = copy_row(&out->arena, change->new_row, change->ncolumns);
}

/* All new images. */
static inline void read_log(struct world *w, const struct my_table *table, const struct position *from,
                            struct rows *out)
{
    each_change(w, table, from, keep_new, out);
}

/* As many cases as there may be indexes, each a column of one table: one reading of the log serves them all. */
enum { COLUMNS = 40 };

struct matrix {
    const struct value_case *cases[COLUMNS];
    int columns, rows;
    struct position from; /* behind the DDL, which a reader does not pass */
};

static inline bool next_cases(struct world *w, size_t *at, const char *only, struct matrix *m)
{
    *m = (struct matrix){0};
    for (; *at < sizeof(value_cases) / sizeof(value_cases[0]) && m->columns < COLUMNS; (*at)++)
        if (is_for(w, &value_cases[*at]) && (!only || strcmp(value_cases[*at].type, only) == 0))
            m->cases[m->columns++] = &value_cases[*at];
    return m->columns > 0;
}

/* The last row is all NULL. */
static inline void make_tables(struct world *w, struct matrix *m)
{
    struct buf sql = {0};
    run(w->sql, "DROP TABLE IF EXISTS v, v_copy");
    buf_str(&sql, "CREATE TABLE v (id int PRIMARY KEY");
    for (int i = 0; i < m->columns; i++) {
        buf_printf(&sql, ", c%d %s", i, m->cases[i]->type);
        if (m->cases[i]->key)
            buf_printf(&sql, ", KEY k%d (c%d)", i, i);
    }
    buf_str(&sql, ") ENGINE=InnoDB ROW_FORMAT=DYNAMIC");
    run(w->sql, "%s", buf_cstr(&sql));
    run(w->sql, "CREATE TABLE v_copy LIKE v");
    m->from = log_end(w);
    for (bool any = true; any; m->rows++) {
        any = false;
        buf_clear(&sql);
        buf_printf(&sql, "INSERT INTO v VALUES (%d", m->rows);
        for (int i = 0; i < m->columns; i++) {
            const char *value = m->rows < MAX_VALUES ? m->cases[i]->values[m->rows] : NULL;
            any |= value != NULL;
            buf_printf(&sql, ", %s", value ? value : "NULL");
        }
        run(w->sql, "%s)", buf_cstr(&sql));
    }
    buf_fini(&sql);
}

#endif
