/* The binary log as a real server writes it, against what the same server says of the same rows: every type with its
 * edge values, in every form the log has. SEACHANGE_TEST_MYSQL_URL: an account that may do everything, on a throwaway
 * server whose binary log files can be read here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mysql/conn.h"
#include "cdc/mysql/json.h"
#include "elsewhere.h"
#include "my_log_cases.h"

#include "../lib/mysql_log.h"

enum { MAX_ROWS = 32, MAX_COLUMNS_HERE = 40 };

/* What the server says of a table: [row][column], NULL for NULL. */
struct snapshot {
    char *value[MAX_ROWS][MAX_COLUMNS_HERE];
};

struct world {
    struct my_server server;
    struct my_conn *conn;
    char *basename; /* of the log's files */
    const struct group *group;
    const struct column_case *columns[MAX_COLUMNS_HERE]; /* those this server has */
    int ncolumns;                                        /* without the id */
    int nrows;
    struct snapshot inserted, updated;
    int compared, absent; /* values */
    int rows[3];          /* by operation */
    int wrong;
};

static void run(struct world *w, const char *sql)
{
    struct sc_error err;
    if (my_run(w->conn, &err, sql) != SC_OK)
        fail_msg("%.300s: %s", sql, err.what);
}

static char *ask(struct world *w, const char *sql)
{
    struct sc_error err;
    char *value = NULL;
    if (my_value(w->conn, &err, &value, sql) != SC_OK)
        fail_msg("%.300s: %s", sql, err.what);
    return value;
}

static bool is_mariadb(const struct world *w)
{
    return w->server.family == MY_MARIADB;
}

static int begin(void **state)
{
    const char *url = getenv("SEACHANGE_TEST_MYSQL_URL");
    if (!url)
        return 0;
    struct sc_error err;
    struct world *w = mem_alloc(sizeof(*w));
    w->server.url = mem_strdup(url);
    w->server.application = mem_strdup("seachange test");
    if (my_server_learn(&w->server, "test", &w->conn, &err) != SC_OK) {
        print_error("%s\n", err.what);
        return 1;
    }
    /* Every value that an application could have left there. */
    run(w, "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO', time_zone = "
           "'+00:00'");
    run(w, "DROP DATABASE IF EXISTS sc_log");
    run(w, "CREATE DATABASE sc_log CHARACTER SET utf8mb4");
    run(w, "USE sc_log");
    w->basename = ask(w, "SELECT @@log_bin_basename");
    *state = w;
    return 0;
}

static void forget(struct snapshot *s)
{
    for (int i = 0; i < MAX_ROWS; i++)
        for (int j = 0; j < MAX_COLUMNS_HERE; j++) {
            mem_free(s->value[i][j]);
            s->value[i][j] = NULL;
        }
}

static int end(void **state)
{
    struct world *w = *state;
    if (!w)
        return 0;
    struct sc_error err;
    (void)my_run(w->conn, &err, "DROP DATABASE sc_log");
    my_close(w->conn);
    my_server_fini(&w->server);
    forget(&w->inserted);
    forget(&w->updated);
    mem_free(w->basename);
    mem_free(w);
    return 0;
}

/* --- the table --- */

static bool has(const struct world *w, const struct column_case *c)
{
    return is_mariadb(w) ? c->mariadb && w->server.version >= c->mariadb : c->mysql && w->server.version >= c->mysql;
}

static const char *literal(const struct column_case *c, int row)
{
    int n = 0;
    while (c->literals[n])
        n++;
    return c->literals[row % n];
}

static void make_table(struct world *w, const struct group *group)
{
    struct buf sql = {0};
    w->group = group;
    w->ncolumns = w->nrows = 0;
    buf_str(&sql, "CREATE TABLE m (id INT PRIMARY KEY");
    for (const struct column_case *c = group->columns, *last = NULL; c->type || !last; c++) {
        if (!c->type)
            c = last = last_columns;
        if (!has(w, c))
            continue;
        assert_true(w->ncolumns < MAX_COLUMNS_HERE);
        buf_printf(&sql, ", c%d %s", w->ncolumns, c->type);
        w->columns[w->ncolumns++] = c;
        int n = 0;
        while (c->literals[n])
            n++;
        w->nrows = n > w->nrows ? n : w->nrows;
    }
    buf_str(&sql, ") ENGINE=InnoDB");
    assert_true(w->nrows + 1 < MAX_ROWS);
    run(w, "DROP TABLE IF EXISTS m");
    run(w, buf_cstr(&sql));
    buf_fini(&sql);
}

/* What the server says, in a form that loses nothing. */
static void add_expression(struct buf *sql, const struct column_case *c, int i)
{
    switch (c->how) {
    case AS_TEXT:
    case AS_JSON:
        buf_printf(sql, ", CAST(c%d AS CHAR)", i);
        break;
    case AS_DOUBLE:
    case AS_FLOAT:
        buf_printf(sql, ", c%d + 0e0", i); /* a CAST of it to text would cut digits off on MySQL */
        break;
    case AS_NUMBER:
        buf_printf(sql, ", CAST(CAST(c%d AS UNSIGNED) AS CHAR)", i);
        break;
    case AS_BYTES:
        buf_printf(sql, ", HEX(c%d)", i);
        break;
    }
}

static void take_snapshot(struct world *w, struct snapshot *s)
{
    struct buf sql = {0};
    struct sc_error err;
    MYSQL_RES *res;
    forget(s);
    buf_str(&sql, "SELECT id");
    for (int i = 0; i < w->ncolumns; i++)
        add_expression(&sql, w->columns[i], i);
    buf_str(&sql, " FROM m ORDER BY id");
    if (my_query(w->conn, &err, &res, buf_cstr(&sql)) != SC_OK)
        fail_msg("%s", err.what);
    buf_fini(&sql);
    MYSQL_ROW row;
    while ((row = mysql_fetch_row(res))) {
        int id = atoi(row[0]);
        assert_true(id >= 0 && id < MAX_ROWS);
        for (int i = 0; i < w->ncolumns; i++)
            s->value[id][i] = mem_strdup(row[i + 1]);
    }
    mysql_free_result(res);
}

static void insert_rows(struct world *w)
{
    for (int row = 0; row <= w->nrows; row++) { /* the last one is all NULL */
        struct buf into = {0}, values = {0}, sql = {0};
        buf_printf(&values, "%d", row);
        for (int i = 0; i < w->ncolumns; i++) {
            if (w->columns[i]->flag == GENERATED)
                continue;
            buf_printf(&into, ", c%d", i);
            buf_printf(&values, ", %s", row == w->nrows ? "NULL" : literal(w->columns[i], row));
        }
        buf_printf(&sql, "INSERT INTO m (id%s) VALUES (%s)", buf_cstr(&into), buf_cstr(&values));
        run(w, buf_cstr(&sql));
        buf_fini(&into);
        buf_fini(&values);
        buf_fini(&sql);
    }
}

/* Each row gets the values of the next one; or, for partial updates of JSON, a part of each document is changed. */
static void update_rows(struct world *w, bool in_part)
{
    for (int row = 0; row <= w->nrows; row++) {
        struct buf sql = {0};
        buf_str(&sql, "UPDATE m SET ");
        bool any = false;
        for (int i = 0; i < w->ncolumns; i++) {
            const struct column_case *c = w->columns[i];
            if (c->flag == GENERATED)
                continue;
            if (in_part && (row + i) % 3 == 0)
                continue; /* a document that stays as it is, beside those that change */
            buf_str(&sql, any ? ", " : "");
            if (in_part && c->how == AS_JSON)
                for (const char *p = partial_updates[(row + i) % PARTIAL_UPDATES]; *p; p++)
                    *p == '#' ? buf_printf(&sql, "c%d", i) : buf_char(&sql, *p);
            else
                buf_printf(&sql, "c%d = %s", i, literal(c, row + 1));
            any = true;
        }
        buf_printf(&sql, " WHERE id = %d", row);
        if (any)
            run(w, buf_cstr(&sql));
        buf_fini(&sql);
    }
}

/* --- comparing --- */

static void complain(struct world *w, int row, int column, const char *image, const char *server, const struct value *v)
{
    print_error("%s, %s, row %d, %s: the server has %.120s, the log %.*s\n", w->group->name, w->columns[column]->type,
                row, image, server ? server : "NULL",
                v->state == VALUE_PRESENT ? (int)(v->len < 120 ? v->len : 120) : 6,
                v->state == VALUE_PRESENT ? v->data
                : v->state == VALUE_NULL  ? "NULL"
                                          : "absent");
    w->wrong++;
}

static bool same_bytes(const char *hex, const struct value *v)
{
    if (strlen(hex) != (size_t)v->len * 2)
        return false;
    for (uint32_t i = 0; i < v->len; i++) {
        char two[3];
        snprintf(two, sizeof(two), "%02X", (unsigned char)v->data[i]);
        if (strncasecmp(two, hex + i * 2, 2) != 0)
            return false;
    }
    return true;
}

static bool same(const struct column_case *c, const char *server, const struct value *v)
{
    switch (c->how) {
    case AS_DOUBLE: {
        double a = strtod(server, NULL), b = strtod(v->data, NULL);
        return memcmp(&a, &b, sizeof(a)) == 0 || (a == 0 && b == 0);
    }
    case AS_FLOAT: {
        float a = (float)strtod(server, NULL), b = (float)strtod(v->data, NULL);
        return a == b;
    }
    case AS_BYTES:
        return same_bytes(server, v);
    case AS_JSON: {
        struct buf text = {0};
        bool ok;
        if (c->flag == JSON_AS_TEXT)
            buf_bytes(&text, v->data, v->len);
        ok = c->flag == JSON_AS_TEXT || (my_json_valid(v->data, v->len) && my_json_text(&text, v->data, v->len));
        ok = ok && strcmp(buf_cstr(&text), server) == 0;
        buf_fini(&text);
        return ok;
    }
    default:
        return strlen(server) == v->len && memcmp(server, v->data, v->len) == 0;
    }
}

static void compare_image(struct world *w, const struct value *image, const struct snapshot *s, enum my_rows_op op,
                          const char *name)
{
    int row = atoi(image[0].data);
    assert_true(row >= 0 && row < MAX_ROWS);
    for (int i = 0; i < w->ncolumns; i++) {
        const struct value *v = &image[i + 1];
        const char *server = s->value[row][i];
        /* MariaDB since 11 computes them again where it needs them. */
        if (v->state == VALUE_ABSENT && w->columns[i]->flag == GENERATED && is_mariadb(w) && op != MY_ROWS_INSERT) {
            w->absent++;
            continue;
        }
        w->compared++;
        if (v->state == VALUE_ABSENT || (v->state == VALUE_NULL) != !server ||
            (server && !same(w->columns[i], server, v)))
            complain(w, row, i, name, server, v);
    }
}

static void row_read(void *context, const struct my_table_map *map, enum my_rows_op op, const struct my_row *row)
{
    struct world *w = context;
    if (strcmp(map->schema, "sc_log") != 0 || strcmp(map->table, "m") != 0)
        return;
    w->rows[op]++;
    if (row->before)
        compare_image(w, row->before, op == MY_ROWS_DELETE ? &w->updated : &w->inserted, op, "before");
    if (row->after)
        compare_image(w, row->after, op == MY_ROWS_INSERT ? &w->inserted : &w->updated, op, "after");
}

/* The columns as the catalog has them. */
static struct log_table catalog(struct world *w, struct arena *arena)
{
    struct sc_error err;
    MYSQL_RES *res;
    if (my_query(w->conn, &err, &res,
                 "SELECT COLUMN_NAME, COLUMN_TYPE, COLLATION_NAME FROM information_schema.COLUMNS"
                 " WHERE TABLE_SCHEMA = 'sc_log' AND TABLE_NAME = 'm' ORDER BY ORDINAL_POSITION") != SC_OK)
        fail_msg("%s", err.what);
    uint16_t n = (uint16_t)mysql_num_rows(res);
    struct source_column *columns = arena_array(arena, n, sizeof(*columns));
    for (uint16_t i = 0; i < n; i++) {
        MYSQL_ROW row = mysql_fetch_row(res);
        columns[i] = (struct source_column){.name = arena_strdup(arena, row[0]),
                                            .type = arena_strdup(arena, row[1]),
                                            .collation = row[2] ? arena_strdup(arena, row[2]) : NULL};
    }
    mysql_free_result(res);
    assert_int_equal(n, w->ncolumns + 1);
    return (struct log_table){"m", columns, n};
}

static void compare_group(struct world *w, const struct group *group, const char *settings, bool with_catalog,
                          bool in_part)
{
    struct arena arena = {0};
    make_table(w, group);
    run(w, "FLUSH BINARY LOGS");
    struct sc_error err;
    MYSQL_RES *res;
    if (my_query(w->conn, &err, &res, "SHOW BINARY LOGS") != SC_OK)
        fail_msg("%s", err.what);
    mysql_data_seek(res, mysql_num_rows(res) - 1);
    const char *file = mysql_fetch_row(res)[0], *dot = strrchr(file, '.');
    char path[4096];
    snprintf(path, sizeof(path), "%s%s", w->basename, dot);
    mysql_free_result(res);
    run(w, settings);
    insert_rows(w);
    take_snapshot(w, &w->inserted);
    update_rows(w, in_part);
    take_snapshot(w, &w->updated);
    run(w, "DELETE FROM m");

    size_t len = 0;
    char *data = log_file_read(path, &len);
    if (!data)
        fail_msg("%s cannot be read", path);
    struct log_table table = catalog(w, &arena);
    struct log_walk walk = {.tables = &table, .ntables = with_catalog ? 1 : 0, .row = row_read, .context = w};
    my_decoder_init(&walk.decoder, is_mariadb(w));
    assert_int_equal(my_log_position_set(&walk.position, log_file_only(path), 4, &err), SC_OK);
    w->compared = w->absent = 0;
    memset(w->rows, 0, sizeof(w->rows));
    if (log_walk_events(&walk, (const uint8_t *)data + 4, len - 4, true) != SC_OK) {
        print_error("%s, %s: %s\n", group->name, settings, walk.err.what);
        w->wrong++;
    }
    /* An UPDATE that changes nothing is not logged. */
    if (w->rows[MY_ROWS_INSERT] != w->nrows + 1 || w->rows[MY_ROWS_DELETE] != w->nrows + 1 ||
        w->rows[MY_ROWS_UPDATE] == 0) {
        print_error("%s, %s: %d, %d, %d rows of %d\n", group->name, settings, w->rows[0], w->rows[1], w->rows[2],
                    w->nrows + 1);
        w->wrong++;
    }
    print_message("%-10s %-70.70s %5d values, %d absent\n", group->name, settings, w->compared, w->absent);
    log_walk_fini(&walk);
    mem_free(data);
    arena_fini(&arena);
}

static void compare_all(struct world *w, const char *settings, bool with_catalog)
{
    for (const struct group *g = groups; g->name; g++)
        if (with_catalog || !g->needs_catalog)
            compare_group(w, g, settings, with_catalog, false);
    assert_int_equal(w->wrong, 0);
}

static void compare_with(void **state, const char *for_mysql, const char *for_mariadb, const char *back,
                         bool with_catalog)
{
    struct world *w = *state;
    if (!w) {
        print_message("skipped: SEACHANGE_TEST_MYSQL_URL is not set\n");
        skip();
    }
    const char *settings = is_mariadb(w) ? for_mariadb : for_mysql;
    if (!settings)
        return;
    compare_all(w, settings, with_catalog);
    if (back)
        run(w, back);
}

/* --- the tests --- */

static void the_log_says_what_the_server_says(void **state)
{
    compare_with(state, "DO 0", "DO 0", NULL, true);
}

static void what_the_log_tells_of_its_columns_is_enough(void **state)
{
    compare_with(state, "SET GLOBAL binlog_row_metadata = FULL", "SET GLOBAL binlog_row_metadata = FULL", NULL, false);
    struct world *w = *state;
    run(w, is_mariadb(w) ? "SET GLOBAL binlog_row_metadata = NO_LOG" : "SET GLOBAL binlog_row_metadata = MINIMAL");
    compare_with(state, "DO 0", NULL, NULL, false);
}

static void the_log_says_the_same_compressed(void **state)
{
    compare_with(state, "SET SESSION binlog_transaction_compression = ON", "SET GLOBAL log_bin_compress = ON", NULL,
                 true);
    struct world *w = *state;
    run(w, is_mariadb(w) ? "SET GLOBAL log_bin_compress = OFF" : "SET SESSION binlog_transaction_compression = OFF");
}

static void the_log_says_the_same_without_checksums(void **state)
{
    struct world *w = *state;
    if (w)
        run(w, "SET GLOBAL binlog_checksum = NONE");
    compare_with(state, "DO 0", "DO 0", "SET GLOBAL binlog_checksum = CRC32", true);
}

static void json_that_is_logged_in_part_comes_out_whole(void **state)
{
    struct world *w = *state;
    if (!w)
        skip();
    only_if(!is_mariadb(w), "MySQL");
    for (const struct group *g = groups; g->name; g++)
        if (strcmp(g->name, "json") == 0)
            compare_group(w, g, "SET SESSION binlog_row_value_options = PARTIAL_JSON", true, true);
    run(w, "SET SESSION binlog_row_value_options = ''");
    assert_int_equal(w->wrong, 0);
}

static void old_forms_of_times_are_read(void **state)
{
    struct world *w = *state;
    if (!w)
        skip();
    only_if(is_mariadb(w), "MariaDB");
    run(w, "SET GLOBAL mysql56_temporal_format = OFF");
    for (const struct group *g = groups; g->name; g++)
        if (strcmp(g->name, "times") == 0)
            compare_group(w, g, "DO 0", true, false);
    run(w, "SET GLOBAL mysql56_temporal_format = ON");
    assert_int_equal(w->wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_log_says_what_the_server_says, begin, end),
        cmocka_unit_test_setup_teardown(what_the_log_tells_of_its_columns_is_enough, begin, end),
        cmocka_unit_test_setup_teardown(the_log_says_the_same_compressed, begin, end),
        cmocka_unit_test_setup_teardown(the_log_says_the_same_without_checksums, begin, end),
        cmocka_unit_test_setup_teardown(json_that_is_logged_in_part_comes_out_whole, begin, end),
        cmocka_unit_test_setup_teardown(old_forms_of_times_are_read, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
