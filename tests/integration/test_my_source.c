/* The reader of the binary log against a real MySQL or MariaDB. SEACHANGE_TEST_MYSQL_URL: an account that may do
 * everything, on a throwaway server with log_bin and binlog_format=ROW. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mysql/conn.h"
#include "base/strlist.h"
#include "cdc/mysql/log_end.h"
#include "cdc/mysql/mysql.h"
#include "cdc/spool.h"
#include "elsewhere.h"

/* One migration's reader: its table, where it began, and what it has put. */
struct world {
    struct my_server server;
    struct my_conn *conn;
    char directory[64];
    struct spool *spool;
    struct source *source;
    struct source_config config;
    struct source_table tables[2]; /* t, and other where that is read, too */
    struct arena arena;
    int markers;
    uint64_t disk_bytes;  /* of the spool */
    struct position last; /* of the last COMMIT or MARKER */
    struct strlist seen;
    char table[64]; /* of the last RELATION */
};

static const struct source_column columns[] = {
    {.name = "id", .type = "int(11)"}, {.name = "v", .type = "varchar(200)", .collation = "utf8mb4_general_ci"}};

static void run(struct world *w, const char *sql)
{
    struct sc_error err;
    if (my_run(w->conn, &err, sql) != SC_OK)
        fail_msg("%s: %s", sql, err.what);
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
    run(w, "DROP DATABASE IF EXISTS sc_source");
    run(w, "CREATE DATABASE sc_source");
    run(w, "USE sc_source");
    run(w, "CREATE TABLE t (id int PRIMARY KEY, v varchar(200)) ENGINE=InnoDB CHARACTER SET utf8mb4");
    run(w, "CREATE TABLE other (id int PRIMARY KEY, v varchar(200)) ENGINE=InnoDB CHARACTER SET utf8mb4");
    run(w, "CREATE TABLE _seachange_marker (id varchar(16) PRIMARY KEY, text varchar(255)) ENGINE=InnoDB"
           " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    snprintf(w->directory, sizeof(w->directory), "/tmp/seachange-source-XXXXXX");
    assert_non_null(mkdtemp(w->directory));
    w->tables[0] = (struct source_table){.schema = "sc_source", .name = "t", .columns = columns, .ncolumns = 2};
    w->tables[1] = (struct source_table){.schema = "sc_source", .name = "other", .columns = columns, .ncolumns = 2};
    w->config = (struct source_config){.url = w->server.url,
                                       .application = "seachange test",
                                       .message_prefix = "seachange/test",
                                       .tables = w->tables,
                                       .ntables = 1,
                                       .marker_schema = "sc_source",
                                       .server_identity = w->server.identity,
                                       .status_interval_ms = 300,
                                       .give_up_ms = 5000};
    if (my_log_end(w->conn, &w->config.start, &err) != SC_OK)
        fail_msg("%s", err.what);
    *state = w;
    return 0;
}

static void stop_source(struct world *w)
{
    (mysql_source.stop)(w->source);
    w->source = NULL;
    spool_close(w->spool);
    w->spool = NULL;
}

static int end(void **state)
{
    struct world *w = *state;
    if (!w)
        return 0;
    struct sc_error err;
    stop_source(w);
    rmdir(w->directory);
    (void)my_run(w->conn, &err, "DROP DATABASE sc_source");
    my_close(w->conn);
    my_server_fini(&w->server);
    arena_fini(&w->arena);
    strlist_fini(&w->seen);
    mem_free(w);
    return 0;
}

static struct world *need(void **state)
{
    if (!*state) {
        print_message("SEACHANGE_TEST_MYSQL_URL is not set\n");
        skip();
    }
    return *state;
}

static enum sc_result try_start(struct world *w, struct sc_error *err)
{
    struct spool_config spool = {.directory = w->directory,
                                 .memory_bytes = 1 << 20,
                                 .block_bytes = 64 << 10,
                                 .segment_bytes = w->disk_bytes ? 64 << 10 : 8 << 20,
                                 .disk_bytes = w->disk_bytes,
                                 .record_bytes = 64 << 20};
    assert_int_equal(spool_open(&spool, &w->spool, err), SC_OK);
    return mysql_source.start(&w->config, w->spool, &w->source, err);
}

static void start(struct world *w)
{
    struct sc_error err;
    if (try_start(w, &err) != SC_OK)
        fail_msg("%s", err.what);
}

static void add_row(struct buf *b, const struct value *row, uint16_t n)
{
    for (uint16_t i = 0; i < n; i++) {
        buf_str(b, i ? "|" : "");
        if (row[i].state == VALUE_PRESENT)
            buf_bytes(b, row[i].data, row[i].len);
        else
            buf_str(b, row[i].state == VALUE_NULL ? "NULL" : "?");
    }
}

static bool is_of_table(enum change_kind kind)
{
    return kind != CHANGE_BEGIN && kind != CHANGE_COMMIT && kind != CHANGE_MARKER;
}

/* With the table's name where there are several. */
static void describe(struct world *w, const struct change *c)
{
    struct buf b = {0};
    buf_str(&b, change_kind_name(c->kind));
    if (c->kind == CHANGE_RELATION)
        snprintf(w->table, sizeof(w->table), "%s", c->relation.name);
    if (w->config.ntables > 1 && is_of_table(c->kind))
        buf_printf(&b, " %s", w->table);
    if (c->kind == CHANGE_RELATION)
        for (uint16_t i = 0; i < c->relation.ncolumns; i++)
            buf_printf(&b, " %s", c->relation.columns[i].name);
    if (c->old_row) {
        buf_char(&b, ' ');
        add_row(&b, c->old_row, c->ncolumns);
    }
    if (c->new_row) {
        buf_str(&b, c->old_row ? " > " : " ");
        add_row(&b, c->new_row, c->ncolumns);
    }
    if (c->kind == CHANGE_MARKER)
        buf_printf(&b, " %s", c->marker);
    if (c->kind == CHANGE_COMMIT || c->kind == CHANGE_MARKER)
        w->last = c->position;
    strlist_add(&w->seen, buf_cstr(&b));
    buf_fini(&b);
}

/* The next change's kind, noted in `seen`. */
static enum sc_result take(struct world *w, enum change_kind *kind, struct sc_error *err)
{
    const void *record;
    size_t len;
    enum sc_result result = spool_take(w->spool, &record, &len, 10000, err);
    if (result != SC_OK)
        return result;
    struct change change;
    arena_reset(&w->arena);
    assert_int_equal(change_decode(&w->arena, record, len, &change, err), SC_OK);
    describe(w, &change);
    *kind = change.kind;
    return SC_OK;
}

static void mark(struct world *w, const char *text)
{
    char sql[300];
    snprintf(sql, sizeof(sql),
             "INSERT INTO _seachange_marker VALUES ('test', 'seachange/test %s') ON DUPLICATE KEY UPDATE text = "
             "'seachange/test %s'",
             text, text);
    run(w, sql);
}

/* Everything up to a marker that is written now. Empty transactions are left out. */
static void take_all(struct world *w)
{
    char text[32], awaited[48];
    snprintf(text, sizeof(text), "end %d", ++w->markers);
    snprintf(awaited, sizeof(awaited), "MARKER %s", text);
    mark(w, text);
    strlist_fini(&w->seen);
    enum change_kind kind = CHANGE_BEGIN;
    do {
        struct sc_error err;
        if (take(w, &kind, &err) != SC_OK)
            fail_msg("%s", err.what);
    } while (kind != CHANGE_MARKER || strcmp(w->seen.items[w->seen.count - 1], awaited) != 0);
}

static void assert_seen(struct world *w, const char *expected)
{
    struct buf b = {0};
    for (size_t i = 0; i + 1 < w->seen.count; i++) {
        bool empty = i + 2 < w->seen.count && strcmp(w->seen.items[i], "BEGIN") == 0 &&
                     strcmp(w->seen.items[i + 1], "COMMIT") == 0;
        if (empty)
            i++;
        else
            buf_printf(&b, "%s%s", b.len ? "; " : "", w->seen.items[i]);
    }
    assert_string_equal(buf_cstr(&b), expected);
    buf_fini(&b);
}

/* The reader ends; what it says. */
static void assert_fails(struct world *w, enum sc_result result, const char *with)
{
    struct sc_error err = {0};
    enum change_kind kind;
    enum sc_result got;
    do
        got = take(w, &kind, &err);
    while (got == SC_OK);
    if (got != result || !strstr(err.what, with))
        fail_msg("%s: %s", sc_result_name(got), err.what);
    struct source_stats stats;
    mysql_source.stats(w->source, &stats);
    assert_int_equal(stats.failure.result, result);
}

static unsigned long dump_thread(struct world *w)
{
    struct sc_error err;
    char *value;
    assert_int_equal(my_value(w->conn, &err, &value,
                              "SELECT MAX(ID) FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'"),
                     SC_OK);
    unsigned long id = value ? strtoul(value, NULL, 10) : 0;
    mem_free(value);
    return id;
}

static void kill_dump(struct world *w)
{
    struct sc_error err;
    unsigned long id = dump_thread(w);
    if (id)
        (void)my_runf(w->conn, &err, "KILL %lu", id);
}

/* --- what comes --- */

static void every_kind_of_change_comes_in_order_and_whole(void **state)
{
    struct world *w = need(state);
    start(w);
    run(w, "INSERT INTO t VALUES (1, 'a'), (2, NULL)");
    run(w, "START TRANSACTION");
    run(w, "UPDATE t SET v = 'b' WHERE id = 1");
    run(w, "UPDATE t SET id = 3 WHERE id = 2");
    run(w, "DELETE FROM t WHERE id = 1");
    run(w, "COMMIT");
    run(w, "INSERT INTO other VALUES (1, 'x')");
    take_all(w);
    assert_seen(w, "RELATION id v; BEGIN; INSERT 1|a; INSERT 2|NULL; COMMIT; BEGIN; UPDATE 1|a > 1|b; UPDATE 2|NULL > "
                   "3|NULL; DELETE 1|b; COMMIT");
    assert_true(w->last.order > w->config.start.order);
}

static void what_is_rolled_back_does_not_come(void **state)
{
    struct world *w = need(state);
    start(w);
    run(w, "START TRANSACTION");
    run(w, "INSERT INTO t VALUES (1, 'a')");
    run(w, "SAVEPOINT s");
    run(w, "INSERT INTO t VALUES (2, 'b')");
    run(w, "ROLLBACK TO SAVEPOINT s");
    run(w, "INSERT INTO t VALUES (3, 'c')");
    run(w, "COMMIT");
    run(w, "START TRANSACTION");
    run(w, "INSERT INTO t VALUES (4, 'd')");
    run(w, "ROLLBACK");
    take_all(w);
    assert_seen(w, "RELATION id v; BEGIN; INSERT 1|a; INSERT 3|c; COMMIT");
}

static void markers_stand_behind_their_commit_and_those_of_others_are_passed_over(void **state)
{
    struct world *w = need(state);
    start(w);
    run(w, "INSERT INTO _seachange_marker VALUES ('other', 'seachange/testother x'), ('third', 'seachange/other y')");
    run(w, "START TRANSACTION");
    mark(w, "first");
    run(w, "INSERT INTO t VALUES (1, 'a')");
    run(w, "COMMIT");
    run(w, "DELETE FROM _seachange_marker WHERE id = 'test'");
    take_all(w);
    assert_seen(w, "RELATION id v; BEGIN; INSERT 1|a; COMMIT; MARKER first");
}

static void a_truncate_is_told_in_its_place(void **state)
{
    struct world *w = need(state);
    start(w);
    run(w, "INSERT INTO t VALUES (1, 'a')");
    run(w, "TRUNCATE TABLE other");
    run(w, "TRUNCATE TABLE t");
    run(w, "INSERT INTO t VALUES (1, 'b')");
    take_all(w);
    assert_seen(w, "RELATION id v; BEGIN; INSERT 1|a; COMMIT; BEGIN; TRUNCATE; COMMIT; BEGIN; INSERT 1|b; COMMIT");
}

static void statements_that_change_other_tables_or_only_look_are_passed_over(void **state)
{
    struct world *w = need(state);
    start(w);
    run(w, "CREATE TABLE third LIKE t");
    run(w, "CREATE TABLE fourth AS SELECT * FROM t");
    run(w, "ALTER TABLE other ADD COLUMN x int");
    run(w, "CREATE INDEX i ON other (x)");
    run(w, "DROP TABLE third, fourth");
    run(w, "ANALYZE TABLE t");
    run(w, "FLUSH TABLES");
    run(w, "INSERT INTO t VALUES (1, 'a')");
    take_all(w);
    assert_seen(w, "RELATION id v; BEGIN; INSERT 1|a; COMMIT");
}

static void a_large_transaction_comes_whole(void **state)
{
    struct world *w = need(state);
    start(w);
    run(w, "INSERT INTO t VALUES (1, REPEAT('x', 100))");
    for (int i = 0; i < 17; i++) {
        char sql[160];
        snprintf(sql, sizeof(sql), "INSERT INTO t SELECT id + %d, v FROM t", 1 << i);
        run(w, i == 16 ? "UPDATE t SET v = CONCAT(v, 'y')" : sql);
    }
    take_all(w);
    size_t updates = 0;
    for (size_t i = 0; i < w->seen.count; i++)
        updates += strncmp(w->seen.items[i], "UPDATE", 6) == 0;
    assert_int_equal(updates, 65536);
    usleep(500000); /* numbers are published now and then */
    struct source_stats stats;
    mysql_source.stats(w->source, &stats);
    assert_int_equal(stats.changes, 131072);
    assert_int_equal(stats.failure.result, SC_OK);
}

static void compressed_transactions_are_read(void **state)
{
    struct world *w = need(state);
    start(w);
    bool mariadb = is_mariadb(w);
    run(w, mariadb ? "SET GLOBAL log_bin_compress = 1" : "SET SESSION binlog_transaction_compression = ON");
    run(w, "START TRANSACTION");
    run(w, "INSERT INTO other VALUES (1, REPEAT('o', 200))");
    run(w, "INSERT INTO t VALUES (1, REPEAT('a', 200)), (2, REPEAT('b', 200))");
    run(w, "UPDATE t SET v = REPEAT('c', 200)");
    run(w, "COMMIT");
    run(w, "TRUNCATE TABLE t");
    mark(w, "compressed");
    run(w, mariadb ? "SET GLOBAL log_bin_compress = 0" : "SET SESSION binlog_transaction_compression = OFF");
    take_all(w);
    assert_int_equal(w->seen.count, 12);
    assert_true(strncmp(w->seen.items[2], "INSERT 1|aaaa", 13) == 0);
    assert_true(strncmp(w->seen.items[3], "INSERT 2|bbbb", 13) == 0);
    assert_non_null(strstr(w->seen.items[4], " > 1|cccc"));
    assert_string_equal(w->seen.items[6], "COMMIT");
    assert_string_equal(w->seen.items[8], "TRUNCATE");
    assert_string_equal(w->seen.items[10], "MARKER compressed");
}

static void a_row_that_is_logged_without_what_did_not_change_is_made_whole(void **state)
{
    struct world *w = need(state);
    struct sc_error err;
    only_if(my_run(w->conn, &err, "SET SESSION binlog_row_image = FULL_NODUP") == SC_OK, "a MariaDB with FULL_NODUP");
    start(w);
    run(w, "INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    run(w, "UPDATE t SET v = NULL WHERE id = 1");
    run(w, "UPDATE t SET id = 3 WHERE id = 2");
    run(w, "DELETE FROM t");
    take_all(w);
    assert_seen(w, "RELATION id v; BEGIN; INSERT 1|a; INSERT 2|b; COMMIT; BEGIN; UPDATE 1|a > 1|NULL; COMMIT; BEGIN; "
                   "UPDATE 2|b > 3|b; COMMIT; BEGIN; DELETE 1|NULL; DELETE 3|b; COMMIT");
}

static void generated_columns_do_not_stop_it(void **state)
{
    struct world *w = need(state);
    static const struct source_column generated[] = {{.name = "id", .type = "int(11)"},
                                                     {.name = "v", .type = "int(11)"},
                                                     {.name = "s", .type = "int(11)"},
                                                     {.name = "z", .type = "int(11)"}};
    static const bool computed[] = {false, true, true, false};
    w->tables[0].columns = generated;
    w->tables[0].computed = computed;
    w->tables[0].ncolumns = 4;
    run(w, "DROP TABLE t");
    run(w, "CREATE TABLE t (id int PRIMARY KEY, v int AS (id + 1) VIRTUAL, s int AS (id + 2) STORED, z int)");
    struct sc_error err;
    assert_int_equal(my_log_end(w->conn, &w->config.start, &err), SC_OK);
    start(w);
    run(w, "INSERT INTO t (id, z) VALUES (1, 9)");
    run(w, "UPDATE t SET z = 8");
    run(w, "DELETE FROM t");
    take_all(w);
    /* MariaDB 11.8 leaves them out of updates and deletes. */
    bool told = strchr(w->seen.items[w->seen.count - 3], '2') != NULL;
    assert_seen(w, told ? "RELATION id v s z; BEGIN; INSERT 1|2|3|9; COMMIT; BEGIN; UPDATE 1|2|3|9 > 1|2|3|8; COMMIT; "
                          "BEGIN; DELETE 1|2|3|8; COMMIT"
                        : "RELATION id v s z; BEGIN; INSERT 1|2|3|9; COMMIT; BEGIN; UPDATE 1|NULL|NULL|9 > "
                          "1|NULL|NULL|8; COMMIT; BEGIN; DELETE 1|NULL|NULL|8; COMMIT");
}

static void an_xa_transaction_comes_where_it_is_committed(void **state)
{
    struct world *w = need(state);
    start(w);
    run(w, "XA START 'one'");
    run(w, "INSERT INTO t VALUES (1, 'a')");
    run(w, "XA END 'one'");
    run(w, "XA COMMIT 'one' ONE PHASE");
    run(w, "XA START 'two', 'b', 7");
    run(w, "INSERT INTO t VALUES (2, 'b'), (3, 'c')");
    run(w, "XA END 'two', 'b', 7");
    run(w, "XA PREPARE 'two', 'b', 7");
    run(w, "XA COMMIT 'two', 'b', 7");
    run(w, "XA START 'three'");
    run(w, "INSERT INTO t VALUES (4, 'd')");
    run(w, "XA END 'three'");
    run(w, "XA PREPARE 'three'");
    run(w, "XA ROLLBACK 'three'");
    take_all(w);
    assert_seen(w, "RELATION id v; BEGIN; INSERT 1|a; COMMIT; BEGIN; INSERT 2|b; INSERT 3|c; COMMIT");
}

static void a_prepared_transaction_is_read_again_by_the_next_reader(void **state)
{
    struct world *w = need(state);
    start(w);
    struct my_conn *other;
    struct sc_error err;
    assert_int_equal(my_open(&w->server, "xa", MY_DDL, &other, &err), SC_OK);
    assert_int_equal(my_run(other, &err, "XA START 'late'"), SC_OK);
    assert_int_equal(my_run(other, &err, "INSERT INTO sc_source.t VALUES (1, 'a')"), SC_OK);
    assert_int_equal(my_run(other, &err, "XA END 'late'"), SC_OK);
    assert_int_equal(my_run(other, &err, "XA PREPARE 'late'"), SC_OK);
    run(w, "INSERT INTO t VALUES (2, 'b')");
    kill_dump(w);
    take_all(w);
    assert_seen(w, "RELATION id v; BEGIN; INSERT 2|b; COMMIT");
    assert_non_null(strstr(w->last.text, " xa=binlog."));
    w->config.start = w->last;
    stop_source(w);
    run(w, "FLUSH BINARY LOGS");
    start(w);
    run(w, "INSERT INTO t VALUES (3, 'c')");
    assert_int_equal(my_run(other, &err, "XA COMMIT 'late'"), SC_OK);
    my_close(other);
    run(w, "INSERT INTO t VALUES (4, 'd')");
    take_all(w);
    assert_seen(w, "RELATION id v; BEGIN; INSERT 3|c; COMMIT; BEGIN; INSERT 1|a; COMMIT; BEGIN; INSERT 4|d; COMMIT");
    assert_null(strstr(w->last.text, " xa="));
}

static void positions_hold_what_was_executed(void **state)
{
    struct world *w = need(state);
    start(w);
    run(w, "INSERT INTO t VALUES (1, 'a')");
    if (!is_mariadb(w) && w->server.version >= 80300)
        run(w, "SET gtid_next = 'AUTOMATIC:sea'");
    run(w, "INSERT INTO t VALUES (2, 'a')");
    if (!is_mariadb(w))
        run(w, "SET gtid_next = 'AUTOMATIC'");
    run(w, "CREATE TABLE third (id int)");
    take_all(w);
    struct sc_error err;
    struct position now;
    assert_int_equal(my_log_end(w->conn, &now, &err), SC_OK);
    assert_string_equal(w->last.text, now.text);
    assert_int_equal(w->last.order, now.order);
    if (strchr(w->config.start.text, ' '))
        assert_non_null(strchr(now.text, ' '));
}

static void fill_spool(struct world *w)
{
    w->disk_bytes = 128 << 10;
    start(w);
    run(w, "INSERT INTO t VALUES (1, REPEAT('x', 150))");
    for (int i = 0; i < 15; i++) {
        char sql[160];
        snprintf(sql, sizeof(sql), "INSERT INTO t SELECT id + %d, CONCAT(SHA2(RAND(), 256), SHA2(RAND(), 512)) FROM t",
                 1 << i);
        run(w, sql);
    }
    struct source_stats stats = {0};
    for (int i = 0; i < 100 && !stats.full; i++) {
        usleep(100000);
        mysql_source.stats(w->source, &stats);
    }
    assert_true(stats.full);
}

static void a_full_spool_holds_the_reader_up_and_loses_nothing(void **state)
{
    struct world *w = need(state);
    fill_spool(w);
    take_all(w);
    size_t inserts = 0;
    for (size_t i = 0; i < w->seen.count; i++)
        inserts += strncmp(w->seen.items[i], "INSERT", 6) == 0;
    assert_int_equal(inserts, 32768);
}

static void a_reader_that_waits_for_room_can_be_stopped(void **state)
{
    struct world *w = need(state);
    fill_spool(w);
    int64_t begun = clock_us();
    (mysql_source.stop)(w->source);
    w->source = NULL;
    assert_true(clock_us() - begun < 2000000);
}

/* --- lost connections --- */

static void control(const char *verb)
{
    char command[300];
    snprintf(command, sizeof(command), "%s %s", getenv("SEACHANGE_TEST_CTL"), verb);
    assert_int_equal(system(command), 0);
}

static void reconnect(struct world *w)
{
    struct sc_error err;
    my_close(w->conn);
    if (my_open(&w->server, "test", MY_DDL, &w->conn, &err) != SC_OK)
        fail_msg("%s", err.what);
    run(w, "USE sc_source");
}

static void a_server_that_restarts_or_crashes_is_read_on(void **state)
{
    struct world *w = need(state);
    if (!getenv("SEACHANGE_TEST_CTL")) {
        print_message("SEACHANGE_TEST_CTL is not set\n");
        skip();
    }
    w->config.give_up_ms = 60000;
    start(w);
    run(w, "INSERT INTO t VALUES (1, 'a')");
    control("restart");
    reconnect(w);
    run(w, "INSERT INTO t VALUES (2, 'b')");
    control("kill");
    control("start");
    reconnect(w);
    run(w, "INSERT INTO t VALUES (3, 'c')");
    take_all(w);
    struct buf all = {0};
    for (size_t i = 0; i < w->seen.count; i++)
        if (strncmp(w->seen.items[i], "INSERT", 6) == 0)
            buf_printf(&all, "%s;", w->seen.items[i]);
    assert_string_equal(buf_cstr(&all), "INSERT 1|a;INSERT 2|b;INSERT 3|c;");
    buf_fini(&all);
}

static void a_connection_killed_in_the_middle_of_a_transaction_loses_and_doubles_nothing(void **state)
{
    struct world *w = need(state);
    start(w);
    run(w, "INSERT INTO t VALUES (1, REPEAT('x', 150))");
    for (int i = 0; i < 15; i++) {
        char sql[160];
        snprintf(sql, sizeof(sql), "INSERT INTO t SELECT id + %d, v FROM t", 1 << i);
        run(w, sql);
    }
    take_all(w);
    run(w, "UPDATE t SET v = CONCAT(v, 'y')");
    for (int i = 0; i < 12; i++) {
        usleep((useconds_t)(i * 7000));
        kill_dump(w);
    }
    take_all(w);
    size_t updates = 0;
    char expected[32];
    for (size_t i = 0; i < w->seen.count; i++)
        if (strncmp(w->seen.items[i], "UPDATE", 6) == 0) {
            snprintf(expected, sizeof(expected), "UPDATE %zu|", ++updates);
            assert_memory_equal(w->seen.items[i], expected, strlen(expected));
        }
    assert_int_equal(updates, 32768);
    struct source_stats stats;
    mysql_source.stats(w->source, &stats);
    assert_true(stats.reconnects > 0);
    assert_true(stats.connected);
}

/* --- several tables --- */

static void changes_of_two_tables_come_each_as_its_own(void **state)
{
    struct world *w = need(state);
    w->config.ntables = 2;
    run(w, "CREATE TABLE third (id int PRIMARY KEY, v varchar(200)) CHARACTER SET utf8mb4");
    struct sc_error err;
    assert_int_equal(my_log_end(w->conn, &w->config.start, &err), SC_OK);
    start(w);
    run(w, "TRUNCATE TABLE other"); /* before a row of it was described */
    run(w, "START TRANSACTION");
    run(w, "INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    run(w, "INSERT INTO third VALUES (1, 'x')");
    run(w, "INSERT INTO other VALUES (1, 'A'), (2, 'B')");
    run(w, "UPDATE t SET v = 'c' WHERE id = 1");
    run(w, "COMMIT");
    run(w, "DELETE FROM other WHERE id = 2");
    run(w, "TRUNCATE TABLE t");
    take_all(w);
    assert_seen(w, "RELATION other id v; BEGIN; TRUNCATE other; COMMIT; RELATION t id v; BEGIN; INSERT t 1|a; INSERT t "
                   "2|b; RELATION other id v; INSERT other 1|A; INSERT other 2|B; RELATION t id v; UPDATE t 1|a > 1|c; "
                   "COMMIT; BEGIN; RELATION other id v; DELETE other 2|B; COMMIT; BEGIN; RELATION t id v; TRUNCATE t; "
                   "COMMIT");
}

static void one_statement_changes_both_tables(void **state)
{
    struct world *w = need(state);
    w->config.ntables = 2;
    start(w);
    run(w, "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')");
    run(w, "INSERT INTO other VALUES (1, 'A'), (2, 'B')");
    run(w, "UPDATE t JOIN other USING (id) SET t.v = 'x', other.v = 'y' WHERE id < 3");
    run(w, "DELETE t, other FROM t JOIN other USING (id) WHERE id = 1");
    take_all(w);
    int of_t = 0, of_other = 0;
    for (size_t i = 0; i < w->seen.count; i++) {
        const char *s = w->seen.items[i];
        of_t += strcmp(s, "UPDATE t 1|a > 1|x") == 0 || strcmp(s, "UPDATE t 2|b > 2|x") == 0 ||
                strcmp(s, "DELETE t 1|x") == 0;
        of_other += strcmp(s, "UPDATE other 1|A > 1|y") == 0 || strcmp(s, "UPDATE other 2|B > 2|y") == 0 ||
                    strcmp(s, "DELETE other 1|y") == 0;
    }
    assert_int_equal(of_t, 3);
    assert_int_equal(of_other, 3);
    struct source_stats stats;
    usleep(500000); /* numbers are published now and then */
    mysql_source.stats(w->source, &stats);
    assert_int_equal(stats.changes, 5 + 4 + 2);
}

static void an_xa_transaction_of_two_tables_comes_where_it_is_committed(void **state)
{
    struct world *w = need(state);
    struct my_conn *other;
    struct sc_error err;
    w->config.ntables = 2;
    start(w);
    assert_int_equal(my_open(&w->server, "xa", MY_DDL, &other, &err), SC_OK);
    assert_int_equal(my_run(other, &err, "XA START 'both'"), SC_OK);
    assert_int_equal(my_run(other, &err, "INSERT INTO sc_source.t VALUES (1, 'a')"), SC_OK);
    assert_int_equal(my_run(other, &err, "INSERT INTO sc_source.other VALUES (1, 'A')"), SC_OK);
    assert_int_equal(my_run(other, &err, "INSERT INTO sc_source.t VALUES (2, 'b')"), SC_OK);
    assert_int_equal(my_run(other, &err, "XA END 'both'"), SC_OK);
    assert_int_equal(my_run(other, &err, "XA PREPARE 'both'"), SC_OK);
    run(w, "INSERT INTO other VALUES (3, 'C')");
    take_all(w);
    assert_seen(w, "RELATION t id v; RELATION other id v; BEGIN; INSERT other 3|C; COMMIT");
    w->config.start = w->last;
    stop_source(w);
    start(w);
    kill_dump(w);
    run(w, "INSERT INTO t VALUES (4, 'd')");
    assert_int_equal(my_run(other, &err, "XA COMMIT 'both'"), SC_OK);
    my_close(other);
    take_all(w);
    struct buf rows = {0};
    for (size_t i = 0; i < w->seen.count; i++)
        if (strncmp(w->seen.items[i], "INSERT", 6) == 0)
            buf_printf(&rows, "%s;", w->seen.items[i] + 7);
    assert_string_equal(buf_cstr(&rows), "t 4|d;t 1|a;other 1|A;t 2|b;");
    buf_fini(&rows);
}

/* Rows of t and of other, BLOCK of each by turns, in one transaction. */
enum { BLOCKS = 32, BLOCK = 512 };

static void two_tables_by_turns_in_a_transaction_that_is_cut_off_are_not_mixed_up(void **state)
{
    struct world *w = need(state);
    char sql[300];
    run(w, "INSERT INTO t VALUES (1, SHA2(RAND(), 512))");
    for (int n = 1; n < BLOCKS * BLOCK; n *= 2) {
        snprintf(sql, sizeof(sql), "INSERT INTO t SELECT id + %d, SHA2(RAND(), 512) FROM t", n);
        run(w, sql);
    }
    run(w, "INSERT INTO other SELECT id, v FROM t");
    struct sc_error err;
    assert_int_equal(my_log_end(w->conn, &w->config.start, &err), SC_OK);
    w->config.ntables = 2;
    w->disk_bytes = 128 << 10; /* so that the reader cannot be far ahead of the cut */
    start(w);
    run(w, "START TRANSACTION");
    for (int i = 0; i < 2 * BLOCKS; i++) {
        snprintf(sql, sizeof(sql), "UPDATE %s SET v = CONCAT(v, 'y') WHERE id > %d AND id <= %d ORDER BY id",
                 i % 2 ? "other" : "t", i / 2 * BLOCK, (i / 2 + 1) * BLOCK);
        run(w, sql);
    }
    run(w, "COMMIT");
    int rows = 0;
    char expected[64];
    for (enum change_kind kind = CHANGE_BEGIN; rows < 2 * BLOCKS * BLOCK;) {
        if (take(w, &kind, &err) != SC_OK)
            fail_msg("%s", err.what);
        assert_true(kind != CHANGE_COMMIT || rows == 0); /* idle ones before it */
        if (kind != CHANGE_UPDATE)
            continue;
        int turn = rows / BLOCK;
        snprintf(expected, sizeof(expected), "UPDATE %s %d|", turn % 2 ? "other" : "t",
                 turn / 2 * BLOCK + rows % BLOCK + 1);
        assert_memory_equal(w->seen.items[w->seen.count - 1], expected, strlen(expected));
        strlist_fini(&w->seen);
        if (++rows % 4001 == 0) /* within blocks of the one, and of the other */
            kill_dump(w);
    }
    take_all(w);
    for (size_t i = 0; i < w->seen.count; i++)
        assert_int_not_equal(strncmp(w->seen.items[i], "UPDATE", 6), 0);
    struct source_stats stats;
    mysql_source.stats(w->source, &stats);
    assert_true(stats.reconnects > 1);
    assert_true(stats.connected);
}

static void ddl_on_the_second_table_ends_it_by_its_name(void **state)
{
    struct world *w = need(state);
    w->config.ntables = 2;
    start(w);
    run(w, "INSERT INTO t VALUES (1, 'a')");
    run(w, "ALTER TABLE other ADD COLUMN x int");
    assert_fails(w, SC_FAIL, "table sc_source.other");
}

static void a_new_reader_goes_on_behind_what_was_confirmed(void **state)
{
    struct world *w = need(state);
    start(w);
    run(w, "INSERT INTO t VALUES (1, 'a')");
    take_all(w);
    mysql_source.confirm(w->source, &w->last);
    w->config.start = w->last;
    stop_source(w);
    run(w, "INSERT INTO t VALUES (2, 'b')");
    run(w, "FLUSH BINARY LOGS");
    run(w, "INSERT INTO t VALUES (3, 'c')");
    start(w);
    take_all(w);
    assert_seen(w, "RELATION id v; BEGIN; INSERT 2|b; COMMIT; BEGIN; INSERT 3|c; COMMIT");
}

static void another_reader_of_the_same_number_is_given_way_to(void **state)
{
    struct world *w = need(state);
    start(w);
    run(w, "INSERT INTO t VALUES (1, 'a')");
    take_all(w);
    struct world other = *w;
    snprintf(other.directory, sizeof(other.directory), "/tmp/seachange-source-XXXXXX");
    assert_non_null(mkdtemp(other.directory));
    start(&other);
    other.seen = (struct strlist){0};
    other.arena = (struct arena){0};
    take_all(&other);
    take_all(w);
    run(w, "INSERT INTO t VALUES (2, 'b')");
    take_all(&other);
    take_all(w);
    struct source_stats stats;
    mysql_source.stats(w->source, &stats);
    assert_true(stats.reconnects <= 2);
    stop_source(&other);
    rmdir(other.directory);
    strlist_fini(&other.seen);
    arena_fini(&other.arena);
}

static void the_checkpoint_moves_on_while_only_other_tables_change(void **state)
{
    struct world *w = need(state);
    w->config.status_interval_ms = 100;
    start(w);
    int64_t until = clock_us() + 10000000;
    enum change_kind kind = CHANGE_BEGIN;
    struct sc_error err;
    int n = 1;
    while (kind != CHANGE_COMMIT && clock_us() < until) {
        char sql[80];
        snprintf(sql, sizeof(sql), "INSERT INTO other VALUES (%d, 'x')", n++);
        run(w, sql);
        const void *record;
        size_t len;
        if (spool_take(w->spool, &record, &len, 100, &err) != SC_OK)
            continue;
        struct change change;
        arena_reset(&w->arena);
        assert_int_equal(change_decode(&w->arena, record, len, &change, &err), SC_OK);
        kind = change.kind;
        w->last = change.position;
    }
    assert_int_equal(kind, CHANGE_COMMIT);
    assert_true(w->last.order > w->config.start.order);
}

/* --- what ends it --- */

static void a_purged_log_is_refused(void **state)
{
    struct world *w = need(state);
    run(w, "INSERT INTO t VALUES (1, 'a')");
    run(w, "FLUSH BINARY LOGS");
    struct sc_error err;
    struct position now;
    assert_int_equal(my_log_end(w->conn, &now, &err), SC_OK);
    usleep(1500000); /* MariaDB keeps a file until its checkpoint is written */
    assert_int_equal(my_runf(w->conn, &err, "PURGE BINARY LOGS TO '%.*s'", (int)strcspn(now.text, ":"), now.text),
                     SC_OK);
    if (try_start(w, &err) == SC_OK)
        assert_fails(w, SC_REFUSE, "cannot be read on");
    else
        assert_int_equal(err.result, SC_REFUSE);
}

static void a_log_that_was_reset_is_refused(void **state)
{
    struct world *w = need(state);
    run(w, "INSERT INTO t VALUES (1, REPEAT('a', 200))");
    struct sc_error err;
    assert_int_equal(my_log_end(w->conn, &w->config.start, &err), SC_OK);
    bool new_name = !is_mariadb(w) && w->server.version >= 80400;
    run(w, new_name ? "RESET BINARY LOGS AND GTIDS" : "RESET MASTER");
    assert_int_equal(try_start(w, &err), SC_REFUSE);
    assert_non_null(strstr(err.what, "reset or set back"));
}

static void another_server_is_refused(void **state)
{
    struct world *w = need(state);
    struct sc_error err;
    w->config.server_identity = "another";
    assert_int_equal(try_start(w, &err), SC_REFUSE);
    assert_non_null(strstr(err.what, "another server"));
}

static void assert_ends(struct world *w, const char *sql, const char *with)
{
    start(w);
    run(w, "INSERT INTO t VALUES (1, 'a')");
    run(w, sql);
    assert_fails(w, SC_FAIL, with);
}

static void foreign_ddl_ends_it(void **state)
{
    assert_ends(need(state), "ALTER TABLE t ADD COLUMN x int", "ALTER TABLE");
}

static void a_dropped_table_ends_it(void **state)
{
    assert_ends(need(state), "DROP TABLE t", "DROP TABLE");
}

static void a_renamed_table_ends_it(void **state)
{
    assert_ends(need(state), "RENAME TABLE t TO u", "RENAME");
}

static void a_statement_that_is_not_logged_as_rows_ends_it(void **state)
{
    struct world *w = need(state);
    run(w, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    run(w, "SET SESSION binlog_format = STATEMENT");
    assert_ends(w, "UPDATE t SET v = 'b'", "logged as a statement");
}

static void an_image_that_is_not_full_ends_it(void **state)
{
    struct world *w = need(state);
    run(w, "SET SESSION binlog_row_image = MINIMAL");
    assert_ends(w, "UPDATE t SET v = 'b'", "image");
}

static void stopping_while_the_server_is_silent_takes_no_time(void **state)
{
    struct world *w = need(state);
    w->config.status_interval_ms = 20000;
    start(w);
    usleep(300000);
    int64_t begun = clock_us();
    stop_source(w);
    assert_true(clock_us() - begun < 1000000);
}

/* Before it would notice by itself, which is when it next has something to send. */
static void the_server_s_thread_ends_with_its_reader(void **state)
{
    struct world *w = need(state);
    w->config.status_interval_ms = 60000;
    start(w);
    int64_t until = clock_us() + 20000000;
    unsigned long id = 0;
    while ((id = dump_thread(w)) == 0 && clock_us() < until)
        usleep(20000);
    assert_true(id > 0);
    stop_source(w);
    until = clock_us() + 20000000;
    while (dump_thread(w) == id && clock_us() < until)
        usleep(20000);
    assert_true(dump_thread(w) != id);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(every_kind_of_change_comes_in_order_and_whole),
        WITH_WORLD(what_is_rolled_back_does_not_come),
        WITH_WORLD(markers_stand_behind_their_commit_and_those_of_others_are_passed_over),
        WITH_WORLD(a_truncate_is_told_in_its_place),
        WITH_WORLD(statements_that_change_other_tables_or_only_look_are_passed_over),
        WITH_WORLD(a_large_transaction_comes_whole),
        WITH_WORLD(compressed_transactions_are_read),
        WITH_WORLD(a_row_that_is_logged_without_what_did_not_change_is_made_whole),
        WITH_WORLD(generated_columns_do_not_stop_it),
        WITH_WORLD(an_xa_transaction_comes_where_it_is_committed),
        WITH_WORLD(a_prepared_transaction_is_read_again_by_the_next_reader),
        WITH_WORLD(positions_hold_what_was_executed),
        WITH_WORLD(a_server_that_restarts_or_crashes_is_read_on),
        WITH_WORLD(a_full_spool_holds_the_reader_up_and_loses_nothing),
        WITH_WORLD(a_reader_that_waits_for_room_can_be_stopped),
        WITH_WORLD(a_connection_killed_in_the_middle_of_a_transaction_loses_and_doubles_nothing),
        WITH_WORLD(changes_of_two_tables_come_each_as_its_own),
        WITH_WORLD(one_statement_changes_both_tables),
        WITH_WORLD(an_xa_transaction_of_two_tables_comes_where_it_is_committed),
        WITH_WORLD(two_tables_by_turns_in_a_transaction_that_is_cut_off_are_not_mixed_up),
        WITH_WORLD(ddl_on_the_second_table_ends_it_by_its_name),
        WITH_WORLD(a_new_reader_goes_on_behind_what_was_confirmed),
        WITH_WORLD(another_reader_of_the_same_number_is_given_way_to),
        WITH_WORLD(the_checkpoint_moves_on_while_only_other_tables_change),
        WITH_WORLD(a_purged_log_is_refused),
        WITH_WORLD(a_log_that_was_reset_is_refused),
        WITH_WORLD(another_server_is_refused),
        WITH_WORLD(foreign_ddl_ends_it),
        WITH_WORLD(a_dropped_table_ends_it),
        WITH_WORLD(a_renamed_table_ends_it),
        WITH_WORLD(a_statement_that_is_not_logged_as_rows_ends_it),
        WITH_WORLD(an_image_that_is_not_full_ends_it),
        WITH_WORLD(stopping_while_the_server_is_silent_takes_no_time),
        WITH_WORLD(the_server_s_thread_ends_with_its_reader),
    };
    return cmocka_run_group_tests_name("the binary log as a source", tests, NULL, NULL);
}
