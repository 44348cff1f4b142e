/* The reader against a real server: everything comes, once, in order, whatever happens to the connection.
 *
 * SEACHANGE_TEST_URL: a superuser on a throwaway server with wal_level = logical. SEACHANGE_TEST_DATA: its data
 * directory, SEACHANGE_TEST_CTL: its pg_ctl, for the tests that restart it; skipped without. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/postgres/conn.h"
#include "cdc/postgres/postgres.h"
#include "cdc/postgres/slot.h"
#include "cdc/spool.h"

enum { TAKE_MS = 20000 };

/* One table with its slot, and a reader of it. */
struct world {
    struct pg_server server;
    struct pg_conn *sql;
    char name[48]; /* of schema, slot and publication */
    char prefix[64];
    struct source_table tables[2]; /* t, and other where that is read, too */
    size_t ntables;
    char directory[64];
    uint64_t disk_bytes;
    struct spool *spool;
    struct source *source;
    struct position committed; /* of the last COMMIT taken */
    bool confirming;
    char told_table[64];   /* by the last RELATION taken */
    uint16_t told_columns; /* the server describes the table again after any change of the catalog */
    struct arena arena;
    struct buf record;
    struct change change; /* as last taken */
};

static void die(const struct sc_error *err)
{
    fail_msg("%s", err->what);
}

static void run(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Runs SQL with the world's schema in the path. */
static void run(struct world *w, const char *format, ...)
{
    struct sc_error err;
    struct buf sql = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&sql, format, args);
    va_end(args);
    if (pg_run(w->sql, &err, buf_cstr(&sql)) != SC_OK)
        die(&err);
    buf_fini(&sql);
}

static char *ask(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static char *ask(struct world *w, const char *format, ...)
{
    struct sc_error err;
    struct buf sql = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&sql, format, args);
    va_end(args);
    char *value = NULL;
    if (pg_value(w->sql, &err, &value, buf_cstr(&sql), 0, NULL) != SC_OK)
        die(&err);
    buf_fini(&sql);
    return value;
}

static uint64_t ask_lsn(struct world *w, const char *sql)
{
    char *text = ask(w, "%s", sql);
    uint64_t lsn = 0;
    assert_non_null(text);
    assert_true(pg_lsn_parse(text, &lsn));
    mem_free(text);
    return lsn;
}

static uint64_t slot_confirmed(struct world *w)
{
    char sql[200];
    snprintf(sql, sizeof(sql), "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '%s'", w->name);
    return ask_lsn(w, sql);
}

static uint64_t server_end(struct world *w)
{
    return ask_lsn(w, "SELECT pg_current_wal_flush_lsn()");
}

static void mark(struct world *w, const char *text)
{
    run(w, "SELECT pg_logical_emit_message(false, '%s', '%s')", w->prefix, text);
    run(w, "SELECT txid_current()"); /* a commit, so that it is flushed */
}

static void connect_sql(struct world *w)
{
    struct sc_error err;
    for (int tries = 0; pg_open(&w->server, "test", PG_DDL, &w->sql, &err) != SC_OK; tries++) {
        if (tries > 100)
            die(&err);
        clock_sleep_ms(100);
    }
    run(w, "SET search_path = %s", w->name);
}

static uint32_t number_of_table(struct world *w, const char *name)
{
    char *oid = ask(w, "SELECT '%s'::regclass::oid", name);
    uint32_t number = (uint32_t)strtoul(oid, NULL, 10);
    mem_free(oid);
    return number;
}

static void set_up(struct world *w, const char *columns)
{
    static int number;
    const char *url = getenv("SEACHANGE_TEST_URL");
    *w = (struct world){.confirming = true};
    w->server.url = mem_strdup(url);
    w->server.application = mem_printf("it_stream_%d", (int)getpid());
    snprintf(w->name, sizeof(w->name), "it_stream_%d_%d", (int)getpid(), ++number);
    snprintf(w->prefix, sizeof(w->prefix), "test %s", w->name);
    struct sc_error err;
    if (pg_server_learn(&w->server, "test", &w->sql, &err) != SC_OK)
        die(&err);
    run(w, "CREATE SCHEMA %s", w->name);
    run(w, "SET search_path = %s", w->name);
    run(w, "CREATE TABLE t (%s)", columns);
    run(w, "CREATE TABLE other (id bigserial PRIMARY KEY, text text)");
    w->tables[0].id = number_of_table(w, "t");
    w->ntables = 1;
    uint64_t point;
    if (pg_publication_create(w->sql, w->name, w->name, "t", &err) != SC_OK ||
        pg_slot_create(&w->server, w->sql, w->name, 10000, NULL, NULL, &point, &err) != SC_OK)
        die(&err);
    snprintf(w->directory, sizeof(w->directory), "/tmp/it_stream.XXXXXX");
    assert_non_null(mkdtemp(w->directory));
}

static struct source_config config_of(struct world *w)
{
    return (struct source_config){.url = w->server.url,
                                  .application = w->server.application,
                                  .slot = w->name,
                                  .publication = w->name,
                                  .message_prefix = w->prefix,
                                  .timezone = w->server.timezone,
                                  .date_order = w->server.date_order,
                                  .tables = w->tables,
                                  .ntables = w->ntables,
                                  .start = w->committed,
                                  .system_identifier = w->server.system_identifier,
                                  .timeline = w->server.timeline,
                                  .status_interval_ms = 100,
                                  .give_up_ms = 30000};
}

static enum sc_result start_with(struct world *w, const struct source_config *config, struct sc_error *err)
{
    const struct spool_config spool = {.directory = w->directory,
                                       .memory_bytes = 256 << 10,
                                       .block_bytes = 64 << 10,
                                       .segment_bytes = 1 << 20,
                                       .disk_bytes = w->disk_bytes,
                                       .record_bytes = 64 << 20};
    assert_int_equal(spool_open(&spool, &w->spool, err), SC_OK);
    return postgres_source.start(config, w->spool, &w->source, err);
}

/* The other table is read, too. Before start(). */
static void read_both(struct world *w)
{
    w->tables[1].id = number_of_table(w, "other");
    w->ntables = 2;
    run(w, "ALTER PUBLICATION %s ADD TABLE other", w->name);
}

static void start(struct world *w)
{
    struct sc_error err;
    struct source_config config = config_of(w);
    if (start_with(w, &config, &err) != SC_OK)
        die(&err);
}

static void stop_reading(struct world *w)
{
    (postgres_source.stop)(w->source);
    spool_close(w->spool);
    w->source = NULL;
    w->spool = NULL;
}

static void tear_down(struct world *w)
{
    struct sc_error err;
    stop_reading(w);
    if (pg_slot_drop(w->sql, w->name, w->server.application, &err) != SC_OK)
        die(&err);
    run(w, "SET client_min_messages = error; DROP PUBLICATION IF EXISTS %s; DROP SCHEMA %s CASCADE", w->name, w->name);
    pg_close(w->sql);
    pg_server_fini(&w->server);
    char lock[100];
    snprintf(lock, sizeof(lock), "%s/seachange.lock", w->directory);
    unlink(lock);
    rmdir(w->directory);
    arena_fini(&w->arena);
    buf_fini(&w->record);
}

/* Takes the next change; the result of spool_take(). Durable is what was taken. */
static enum sc_result take_within(struct world *w, int timeout_ms, struct sc_error *err)
{
    const void *record;
    size_t len;
    enum sc_result result = spool_take(w->spool, &record, &len, timeout_ms, err);
    if (result != SC_OK)
        return result;
    arena_reset(&w->arena);
    buf_clear(&w->record);
    buf_bytes(&w->record, record, len);
    assert_int_equal(change_decode(&w->arena, w->record.data, w->record.len, &w->change, err), SC_OK);
    if (w->change.kind == CHANGE_COMMIT) {
        assert_true(w->change.position.order > w->committed.order);
        w->committed = w->change.position;
        if (w->confirming)
            postgres_source.confirm(w->source, &w->committed);
    }
    return SC_OK;
}

static void take(struct world *w)
{
    struct sc_error err;
    if (take_within(w, TAKE_MS, &err) != SC_OK)
        die(&err);
}

static void add_row(struct buf *b, const struct value *row, uint16_t n)
{
    static const char *const states[] = {"-", "=", "null"};
    buf_char(b, '(');
    for (uint16_t i = 0; i < n; i++) {
        buf_str(b, i ? "," : "");
        if (row[i].state != VALUE_PRESENT)
            buf_str(b, states[row[i].state]);
        else if (row[i].len > 40)
            buf_printf(b, "%c*%u", row[i].data[0], row[i].len);
        else
            buf_bytes(b, row[i].data, row[i].len);
    }
    buf_char(b, ')');
}

/* The table that a change is of, where there are several. */
static void add_table(struct world *w, struct buf *b)
{
    assert_true(w->told_table[0]);
    if (w->ntables > 1)
        buf_printf(b, "%s:", w->told_table);
}

/* Takes up to the marker and tells what came, transactions in brackets; idle ones (empty) are left out. */
static char *story_until(struct world *w, const char *marker)
{
    struct buf b = {0};
    for (;;) {
        take(w);
        const struct change *c = &w->change;
        switch (c->kind) {
        case CHANGE_BEGIN:
            if (c->xid)
                buf_char(&b, '[');
            break;
        case CHANGE_COMMIT:
            if (b.len && b.data[b.len - 1] != ']' && b.data[b.len - 1] != '\n')
                buf_str(&b, "]\n");
            break;
        case CHANGE_RELATION:
            if (c->relation.ncolumns != w->told_columns && w->ntables == 1)
                buf_printf(&b, "R%u\n", c->relation.ncolumns);
            w->told_columns = c->relation.ncolumns;
            assert_string_equal(c->relation.schema, w->name);
            snprintf(w->told_table, sizeof(w->told_table), "%s", c->relation.name);
            break;
        case CHANGE_TRUNCATE:
            add_table(w, &b);
            buf_str(&b, "truncate");
            break;
        case CHANGE_MARKER:
            if (strcmp(c->marker, marker) == 0)
                return buf_take(&b);
            buf_printf(&b, "<%s>", c->marker);
            break;
        case CHANGE_INSERT:
        case CHANGE_UPDATE:
        case CHANGE_DELETE:
            add_table(w, &b);
            assert_int_equal(c->ncolumns, w->told_columns);
            buf_str(&b, c->kind == CHANGE_INSERT ? "+" : c->kind == CHANGE_UPDATE ? "~" : "-");
            if (c->old_row)
                add_row(&b, c->old_row, c->ncolumns);
            if (c->new_row)
                add_row(&b, c->new_row, c->ncolumns);
            break;
        }
    }
}

static void assert_story(struct world *w, const char *expected)
{
    mark(w, "end");
    char *story = story_until(w, "end");
    assert_string_equal(story, expected);
    mem_free(story);
}

/* Takes one transaction that inserted the ids first .. last in this order, and nothing else. `at` (may be NULL) is
 * called now and then with the id. */
static void take_run(struct world *w, uint64_t first, uint64_t last, void (*at)(struct world *w, uint64_t id))
{
    uint64_t next = first;
    int begins = 0;
    for (;;) {
        take(w);
        const struct change *c = &w->change;
        if (c->kind == CHANGE_RELATION ||
            ((c->kind == CHANGE_BEGIN || c->kind == CHANGE_COMMIT) && c->xid == 0 && !begins))
            continue;
        if (c->kind == CHANGE_BEGIN) {
            assert_int_equal(++begins, 1);
        } else if (c->kind == CHANGE_COMMIT) {
            break;
        } else {
            assert_int_equal(c->kind, CHANGE_INSERT);
            uint64_t id = strtoull(c->new_row[0].data, NULL, 10);
            if (id != next)
                fail_msg("row %llu came where %llu was due", (unsigned long long)id, (unsigned long long)next);
            next++;
            if (at)
                at(w, id);
        }
    }
    assert_int_equal(begins, 1);
    assert_int_equal(next, last + 1);
}

static struct source_stats stats(struct world *w)
{
    struct source_stats out;
    postgres_source.stats(w->source, &out);
    return out;
}

/* Waits for the condition, and fails with what was waited for. */
#define WAIT_FOR(condition)                                                                                            \
    do {                                                                                                               \
        int64_t until_ = clock_us() + 20000000;                                                                        \
        while (!(condition)) {                                                                                         \
            if (clock_us() > until_)                                                                                   \
                fail_msg("did not happen: %s", #condition);                                                            \
            clock_sleep_ms(20);                                                                                        \
        }                                                                                                              \
    } while (0)

static void terminate_reader(struct world *w)
{
    mem_free(ask(w, "SELECT pg_terminate_backend(active_pid)::text FROM pg_replication_slots WHERE slot_name = '%s'",
                 w->name));
}

/* --- what comes --- */

static void every_kind_of_change_comes_as_it_was_made(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY, note text, big text");
    run(&w, "ALTER TABLE t ALTER big SET STORAGE EXTERNAL");
    start(&w);
    run(&w, "INSERT INTO t VALUES (1, 'one', NULL), (2, '', repeat('x', 9000))");
    run(&w, "UPDATE t SET note = 'two' WHERE id = 2");
    run(&w, "UPDATE t SET id = 20 WHERE id = 2");
    run(&w, "DELETE FROM t WHERE id = 1");
    assert_story(&w, "R3\n[+(1,one,null)+(2,,x*9000)]\n"
                     "[~(2,two,=)]\n"
                     "[~(2,-,-)(20,two,=)]\n"
                     "[-(1,-,-)]\n");
    run(&w,
        "BEGIN; INSERT INTO other (text) VALUES ('x'); SELECT pg_logical_emit_message(true, '%s', 'within'); COMMIT",
        w.prefix);
    run(&w, "BEGIN; INSERT INTO t VALUES (5); SELECT pg_logical_emit_message(true, 'somebody', 'else'); TRUNCATE t; "
            "COMMIT");
    run(&w, "INSERT INTO other (text) VALUES ('y')");
    run(&w, "BEGIN; INSERT INTO t VALUES (6); ROLLBACK");
    assert_story(&w, "[<within>]\n[+(5,null,null)truncate]\n");
    run(&w, "ALTER TABLE t ADD more int DEFAULT 7");
    run(&w, "INSERT INTO t VALUES (8)");
    assert_story(&w, "R4\n[+(8,null,null,7)]\n");
    assert_int_equal(stats(&w).reconnects, 0);
    tear_down(&w);
}

static void values_do_not_depend_on_the_servers_settings(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id int PRIMARY KEY, f float8, i interval, d date, b bytea, ts timestamptz, r regclass");
    mem_free(w.server.timezone);
    w.server.timezone = mem_strdup("Asia/Kolkata");
    char *database = ask(&w, "SELECT current_database()");
    run(&w, "ALTER DATABASE %s SET datestyle = 'German'", database);
    run(&w, "ALTER DATABASE %s SET intervalstyle = 'sql_standard'", database);
    run(&w, "ALTER DATABASE %s SET extra_float_digits = -5", database);
    run(&w, "ALTER DATABASE %s SET bytea_output = 'escape'", database);
    start(&w);
    run(&w,
        "INSERT INTO t VALUES (1, 0.1::float8 + 0.2::float8, '-1 days +2:03', '2024-02-29', '\\x00ff',"
        " '2024-01-01 00:00:00+00', '%s.other')",
        w.name);
    mark(&w, "end");
    char *story = story_until(&w, "end");
    char *expected = mem_printf(
        "R7\n[+(1,0.30000000000000004,-1 days +02:03:00,2024-02-29,\\x00ff,2024-01-01 05:30:00+05:30,%s.other)]\n",
        w.name);
    run(&w, "ALTER DATABASE %s RESET ALL", database);
    assert_string_equal(story, expected);
    mem_free(story);
    mem_free(expected);
    mem_free(database);
    tear_down(&w);
}

static void a_big_transaction_comes_whole_and_in_order(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY, text text");
    start(&w);
    run(&w, "INSERT INTO t SELECT g, repeat('x', 50) FROM generate_series(1, 200000) g");
    take_run(&w, 1, 200000, NULL);
    assert_int_equal(stats(&w).reconnects, 0);
    tear_down(&w);
}

/* --- what happens to the connection --- */

static void cut_now_and_then(struct world *w, uint64_t id)
{
    if (id % 17000 == 100)
        terminate_reader(w);
}

static void a_transaction_cut_off_again_and_again_comes_once(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY, text text");
    w.disk_bytes = 1 << 20; /* so that the reader cannot be far ahead of the cut */
    start(&w);
    run(&w, "INSERT INTO t SELECT g, md5(g::text) || md5((g + 1)::text) FROM generate_series(1, 100000) g");
    run(&w, "INSERT INTO t SELECT g, 'next' FROM generate_series(100001, 100100) g");
    take_run(&w, 1, 100000, cut_now_and_then);
    take_run(&w, 100001, 100100, NULL);
    assert_true(stats(&w).reconnects >= 3);
    assert_story(&w, "");
    tear_down(&w);
}

/* --- several tables --- */

static void changes_of_two_tables_come_each_as_its_own(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY, note text, more int");
    run(&w, "CREATE TABLE third (id int PRIMARY KEY)");
    read_both(&w);
    run(&w, "ALTER PUBLICATION %s ADD TABLE third", w.name); /* is sent, and is not ours */
    start(&w);
    run(&w, "BEGIN; INSERT INTO t VALUES (1, 'one', 1); INSERT INTO other VALUES (1, 'uno'); INSERT INTO third VALUES "
            "(1); INSERT INTO t VALUES (2, 'two', 2); UPDATE other SET id = 3; DELETE FROM t WHERE id = 1; COMMIT");
    run(&w, "INSERT INTO other VALUES (4, 'quattro')");
    run(&w, "INSERT INTO t VALUES (4, 'four', 4)");
    assert_story(&w, "[t:+(1,one,1)other:+(1,uno)t:+(2,two,2)other:~(1,-)(3,uno)t:-(1,-,-)]\n"
                     "[other:+(4,quattro)]\n"
                     "[t:+(4,four,4)]\n");
    run(&w, "BEGIN; INSERT INTO t VALUES (5); TRUNCATE other, third, t; INSERT INTO t VALUES (6); TRUNCATE other; "
            "COMMIT");
    run(&w, "ALTER TABLE other ADD extra int");
    run(&w, "BEGIN; INSERT INTO t VALUES (7); INSERT INTO other VALUES (7, 'x', 8); INSERT INTO t VALUES (8); COMMIT");
    assert_story(&w, "[t:+(5,null,null)other:truncatet:truncatet:+(6,null,null)other:truncate]\n"
                     "[t:+(7,null,null)other:+(7,x,8)t:+(8,null,null)]\n");
    terminate_reader(&w);
    WAIT_FOR(stats(&w).reconnects == 1);
    run(&w, "BEGIN; INSERT INTO other VALUES (9, 'y', 9); INSERT INTO t VALUES (9); COMMIT");
    assert_story(&w, "[other:+(9,y,9)t:+(9,null,null)]\n");
    tear_down(&w);
}

static void two_tables_by_turns_in_a_transaction_that_is_cut_off_are_not_mixed_up(void **state)
{
    (void)state;
    enum { ROWS = 40000, CUTS = 6 };
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY, text text, more int");
    w.disk_bytes = 1 << 20; /* so that the reader cannot be far ahead of the cut */
    read_both(&w);
    start(&w);
    run(&w,
        "DO $$ BEGIN FOR i IN 1 .. %d LOOP INSERT INTO t VALUES (i, md5(i::text) || md5((i + 1)::text), 7); "
        "INSERT INTO other VALUES (i, md5(i::text)); END LOOP; END $$",
        ROWS);
    int begins = 0, cuts = 0;
    for (int next = 0; next < 2 * ROWS;) {
        take(&w);
        const struct change *c = &w.change;
        if (c->kind == CHANGE_RELATION) {
            snprintf(w.told_table, sizeof(w.told_table), "%s", c->relation.name);
            w.told_columns = c->relation.ncolumns;
        } else if (c->kind == CHANGE_BEGIN) {
            begins += c->xid != 0;
        } else if (c->kind == CHANGE_INSERT) {
            assert_int_equal(begins, 1);
            assert_string_equal(w.told_table, next % 2 ? "other" : "t");
            assert_int_equal(c->ncolumns, next % 2 ? 2 : 3);
            assert_int_equal(c->ncolumns, w.told_columns);
            assert_int_equal(strtoull(c->new_row[0].data, NULL, 10), next / 2 + 1);
            /* Once while the one, once while the other table's row was the last. */
            if (++next % (2 * ROWS / (CUTS + 1) + 1) == 0) {
                terminate_reader(&w);
                cuts++;
            }
        }
    }
    assert_int_equal(cuts, CUTS);
    assert_story(&w, ""); /* but for its end */
    assert_true(stats(&w).reconnects > 1);
    run(&w, "INSERT INTO other VALUES (0, 'last')");
    assert_story(&w, "[other:+(0,last)]\n");
    tear_down(&w);
}

static void cuts_between_small_transactions_lose_nothing(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY");
    start(&w);
    for (int round = 0; round < 5; round++) {
        for (int i = 1; i <= 20; i++) {
            run(&w, "INSERT INTO t VALUES (%d)", round * 20 + i);
            if (i % 8 == 0)
                terminate_reader(&w);
            if (i % 5 == 0)
                run(&w, "SELECT pg_logical_emit_message(false, '%s', 'm%d')", w.prefix, round * 20 + i);
        }
    }
    mark(&w, "end");
    int next = 1, next_marker = 5;
    for (;;) {
        take(&w);
        if (w.change.kind == CHANGE_INSERT) {
            assert_int_equal(atoi(w.change.new_row[0].data), next);
            next++;
        }
        if (w.change.kind == CHANGE_MARKER) {
            if (strcmp(w.change.marker, "end") == 0)
                break;
            assert_int_equal(atoi(w.change.marker + 1), next_marker);
            assert_int_equal(next, next_marker + 1);
            next_marker += 5;
        }
    }
    assert_int_equal(next, 101);
    assert_int_equal(next_marker, 105);
    tear_down(&w);
}

/* The server's pg_ctl; NULL: this server cannot be restarted from here. */
static const char *server_ctl(void)
{
    const char *ctl = getenv("SEACHANGE_TEST_CTL");
    return getenv("SEACHANGE_TEST_DATA") && ctl && access(ctl, X_OK) == 0 ? ctl : NULL;
}

/* `pg_ctl restart` as the server's user; returns how long it took. */
static int64_t restart_server(struct world *w, const char *mode)
{
    const char *data = getenv("SEACHANGE_TEST_DATA");
    char command[1000];
    snprintf(command, sizeof(command), "%s -D %s -l %s/../log -w -t 60 -m %s restart > /dev/null 2>&1", server_ctl(),
             data, data, mode);
    pg_close(w->sql);
    w->sql = NULL;
    int64_t begin = clock_us();
    assert_int_equal(system(command), 0);
    int64_t took_ms = (clock_us() - begin) / 1000;
    connect_sql(w);
    return took_ms;
}

static void restart_once(struct world *w, uint64_t id)
{
    if (id == 30000)
        restart_server(w, "immediate");
}

static void a_crash_of_the_server_loses_and_doubles_nothing(void **state)
{
    (void)state;
    if (!server_ctl())
        skip();
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY, text text");
    w.disk_bytes = 1 << 20;
    start(&w);
    run(&w, "INSERT INTO t SELECT g, md5(g::text) FROM generate_series(1, 60000) g");
    take_run(&w, 1, 60000, restart_once);
    run(&w, "INSERT INTO t VALUES (60001)");
    take_run(&w, 60001, 60001, NULL);
    assert_true(stats(&w).reconnects >= 1);
    tear_down(&w);
}

static void the_server_can_shut_down_although_nothing_is_confirmed(void **state)
{
    (void)state;
    if (!server_ctl())
        skip();
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY, text text");
    w.confirming = false;
    start(&w);
    run(&w, "INSERT INTO t SELECT g, md5(g::text) FROM generate_series(1, 1000) g");
    WAIT_FOR(stats(&w).transactions == 1);
    assert_true(restart_server(&w, "fast") < 15000);
    run(&w, "INSERT INTO t VALUES (1001)");
    take_run(&w, 1, 1000, NULL);
    take_run(&w, 1001, 1001, NULL);
    tear_down(&w);
}

static void the_server_can_shut_down_although_the_spool_is_full(void **state)
{
    (void)state;
    if (!server_ctl())
        skip();
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY, text text");
    w.disk_bytes = 256 << 10;
    start(&w);
    run(&w, "INSERT INTO t SELECT g, md5(g::text) || md5((g * 3)::text) || md5((g * 5)::text) FROM generate_series(1, "
            "100000) g");
    WAIT_FOR(stats(&w).changes > 100);
    clock_sleep_ms(500);
    assert_true(restart_server(&w, "fast") < 30000);
    take_run(&w, 1, 100000, NULL);
    tear_down(&w);
}

static void the_server_does_not_drop_a_reader_whose_spool_is_full(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY, text text");
    char *url = mem_printf("%s%soptions=-c%%20wal_sender_timeout%%3D1500ms", w.server.url,
                           strchr(w.server.url, '?') ? "&" : "?");
    mem_free(w.server.url);
    w.server.url = url;
    w.disk_bytes = 256 << 10;
    start(&w);
    run(&w, "INSERT INTO t SELECT g, md5(g::text) || md5((g * 3)::text) || md5((g * 5)::text) FROM generate_series(1, "
            "100000) g");
    clock_sleep_ms(6000);
    assert_true(stats(&w).changes < 100000);
    take_run(&w, 1, 100000, NULL);
    assert_int_equal(stats(&w).reconnects, 0);
    tear_down(&w);
}

static void a_reader_whose_spool_is_full_can_be_stopped(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY, text text");
    w.disk_bytes = 256 << 10;
    start(&w);
    run(&w, "INSERT INTO t SELECT g, md5(g::text) || md5((g * 3)::text) || md5((g * 5)::text) FROM generate_series(1, "
            "100000) g");
    WAIT_FOR(stats(&w).changes > 100);
    clock_sleep_ms(300);
    int64_t begin = clock_us();
    stop_reading(&w);
    assert_true(clock_us() - begin < 5000000);
    tear_down(&w);
}

static void a_spool_that_cannot_be_written_ends_the_reader_and_it_says_so_at_once(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY, text text");
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 300 << 10;
    setrlimit(RLIMIT_FSIZE, &small);
    start(&w);
    run(&w, "INSERT INTO t SELECT g, md5(g::text) || md5((g * 3)::text) || md5((g * 5)::text) FROM generate_series(1, "
            "100000) g");
    WAIT_FOR(stats(&w).failure.result != SC_OK);
    setrlimit(RLIMIT_FSIZE, &before);
    struct source_stats seen = stats(&w);
    assert_int_equal(seen.failure.result, SC_RETRY); /* the same run can go on, once there is room */
    assert_non_null(strstr(seen.failure.what, "cannot write the spool file"));
    assert_non_null(strstr(seen.failure.hint, "Nothing is lost"));
    assert_int_equal(seen.reconnects, 0);
    stop_reading(&w);
    start(&w);
    take_run(&w, 1, 100000, NULL);
    tear_down(&w);
}

static void a_reader_that_connects_to_a_server_that_hangs_can_be_stopped(void **state)
{
    (void)state;
    const char *data = getenv("SEACHANGE_TEST_DATA");
    if (!data)
        skip();
    char path[1000];
    snprintf(path, sizeof(path), "%s/postmaster.pid", data);
    FILE *f = fopen(path, "r");
    int postmaster = 0;
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &postmaster), 1);
    fclose(f);
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY");
    start(&w);
    run(&w, "INSERT INTO t VALUES (1)");
    take_run(&w, 1, 1, NULL);
    assert_int_equal(kill(postmaster, SIGSTOP), 0); /* connections are taken, and nobody speaks */
    terminate_reader(&w);
    WAIT_FOR(!stats(&w).connected);
    clock_sleep_ms(1000);
    int64_t begin = clock_us();
    stop_reading(&w);
    int64_t lasted = clock_us() - begin;
    assert_int_equal(kill(postmaster, SIGCONT), 0);
    assert_true(lasted < 2000000);
    tear_down(&w);
}

/* --- what is confirmed --- */

static void nothing_is_confirmed_that_is_not_durable(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY");
    w.confirming = false;
    start(&w);
    uint64_t before = slot_confirmed(&w);
    run(&w, "INSERT INTO t VALUES (1)");
    for (int i = 0; i < 5; i++) {
        run(&w, "INSERT INTO other (text) SELECT repeat('x', 1000) FROM generate_series(1, 2000)");
        mark(&w, "on");
        clock_sleep_ms(300);
    }
    WAIT_FOR(stats(&w).server_end.order > before + 5000000);
    assert_int_equal(slot_confirmed(&w), before);
    take_run(&w, 1, 1, NULL);
    postgres_source.confirm(w.source, &w.committed);
    WAIT_FOR(slot_confirmed(&w) == w.committed.order);
    tear_down(&w);
}

/* Takes whatever is there; only empty transactions and markers may be. */
static bool only_idle_until(struct world *w, uint64_t lsn)
{
    struct sc_error err;
    while (take_within(w, 0, &err) == SC_OK)
        assert_true(w->change.kind == CHANGE_BEGIN || w->change.kind == CHANGE_COMMIT ||
                    w->change.kind == CHANGE_MARKER);
    return slot_confirmed(w) >= lsn;
}

static void an_idle_table_does_not_keep_the_log(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY");
    start(&w);
    for (int i = 0; i < 3; i++) {
        run(&w, "INSERT INTO other (text) SELECT repeat('x', 1000) FROM generate_series(1, 3000)");
        uint64_t end = server_end(&w);
        WAIT_FOR(only_idle_until(&w, end));
        assert_true(slot_confirmed(&w) <= w.committed.order); /* what a restart begins with */
    }
    run(&w, "INSERT INTO t VALUES (1)");
    take_run(&w, 1, 1, NULL);
    tear_down(&w);
}

static void stopping_confirms_what_is_durable_and_frees_the_slot(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY");
    start(&w);
    run(&w, "INSERT INTO t VALUES (1)");
    take_run(&w, 1, 1, NULL);
    int64_t begin = clock_us();
    stop_reading(&w);
    assert_true(clock_us() - begin < 3000000);
    assert_int_equal(slot_confirmed(&w), w.committed.order);
    WAIT_FOR(!ask(&w, "SELECT active_pid::text FROM pg_replication_slots WHERE slot_name = '%s'", w.name));
    tear_down(&w);
}

static void a_restart_goes_on_behind_the_last_stored_transaction(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY");
    start(&w);
    run(&w, "INSERT INTO t VALUES (1)");
    run(&w, "INSERT INTO t VALUES (2)");
    run(&w, "INSERT INTO t VALUES (3)");
    take_run(&w, 1, 1, NULL);
    w.confirming = false;
    struct position stored;
    take_run(&w, 2, 2, NULL);
    stored = w.committed;
    take_run(&w, 3, 3, NULL);
    stop_reading(&w);
    run(&w, "INSERT INTO t VALUES (4)");
    w.committed = stored; /* ahead of what was confirmed, behind what was taken */
    start(&w);
    take_run(&w, 3, 3, NULL);
    take_run(&w, 4, 4, NULL);
    tear_down(&w);
}

/* --- what is refused --- */

static void assert_start_refused(struct world *w, const struct source_config *config, const char *reason)
{
    struct sc_error err;
    assert_int_equal(start_with(w, config, &err), SC_REFUSE);
    assert_null(w->source);
    if (!strstr(err.what, reason))
        fail_msg("expected \"%s\" in \"%s\"", reason, err.what);
    assert_true(err.hint[0]);
    spool_close(w->spool);
    w->spool = NULL;
}

static void another_server_is_refused(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY");
    struct source_config config = config_of(&w);
    config.system_identifier++;
    assert_start_refused(&w, &config, "this is another server");
    config = config_of(&w);
    config.timeline++;
    assert_start_refused(&w, &config, "failed over");
    tear_down(&w);
}

static void a_server_set_back_to_before_what_was_seen_is_refused(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY");
    struct source_config config = config_of(&w);
    config.start.order = server_end(&w) + (UINT64_C(1) << 30);
    pg_lsn_format(config.start.order, config.start.text);
    assert_start_refused(&w, &config, "it was set back");
    tear_down(&w);
}

static void a_slot_that_was_moved_on_is_refused(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY");
    start(&w);
    run(&w, "INSERT INTO t VALUES (1)");
    take_run(&w, 1, 1, NULL);
    stop_reading(&w);
    run(&w, "INSERT INTO t VALUES (2)");
    mark(&w, "on");
    run(&w, "SELECT pg_replication_slot_advance('%s', pg_current_wal_lsn())", w.name);
    struct source_config config = config_of(&w);
    assert_start_refused(&w, &config, "was moved to");
    tear_down(&w);
}

static void a_slot_that_is_gone_is_refused(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY");
    run(&w, "SELECT pg_drop_replication_slot('%s')", w.name);
    struct source_config config = config_of(&w);
    assert_start_refused(&w, &config, "does not exist");
    tear_down(&w);
}

static void a_slot_dropped_under_the_reader_ends_it_with_the_reason(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY");
    start(&w);
    run(&w, "INSERT INTO t VALUES (1)");
    take_run(&w, 1, 1, NULL);
    struct sc_error err;
    assert_int_equal(pg_slot_drop(w.sql, w.name, w.server.application, &err), SC_OK);
    WAIT_FOR(stats(&w).failure.result != SC_OK); /* nobody has to take what waits in the spool first */
    assert_int_equal(stats(&w).failure.result, SC_REFUSE);
    assert_non_null(strstr(stats(&w).failure.what, "does not exist"));
    enum sc_result result;
    while ((result = take_within(&w, TAKE_MS, &err)) == SC_OK)
        assert_true(w.change.kind == CHANGE_BEGIN || w.change.kind == CHANGE_COMMIT);
    assert_int_equal(result, SC_REFUSE);
    assert_non_null(strstr(err.what, "does not exist"));
    assert_false(stats(&w).connected);
    tear_down(&w);
}

static void a_publication_dropped_under_the_reader_ends_it_with_the_reason(void **state)
{
    (void)state;
    struct world w;
    set_up(&w, "id bigint PRIMARY KEY");
    start(&w);
    run(&w, "DROP PUBLICATION %s", w.name);
    run(&w, "INSERT INTO t VALUES (1)");
    struct sc_error err;
    enum sc_result result;
    while ((result = take_within(&w, TAKE_MS, &err)) == SC_OK)
        assert_true(w.change.kind == CHANGE_BEGIN || w.change.kind == CHANGE_COMMIT);
    assert_int_equal(result, SC_REFUSE);
    assert_non_null(strstr(err.what, "publication"));
    tear_down(&w);
}

int main(void)
{
    if (!getenv("SEACHANGE_TEST_URL")) {
        print_message("SEACHANGE_TEST_URL is not set: skipped\n");
        return 0;
    }
    log_setup(getenv("SEACHANGE_TEST_VERBOSE") ? LOG_DEBUG : LOG_ERROR, false);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_change_comes_as_it_was_made),
        cmocka_unit_test(values_do_not_depend_on_the_servers_settings),
        cmocka_unit_test(a_big_transaction_comes_whole_and_in_order),
        cmocka_unit_test(a_transaction_cut_off_again_and_again_comes_once),
        cmocka_unit_test(changes_of_two_tables_come_each_as_its_own),
        cmocka_unit_test(two_tables_by_turns_in_a_transaction_that_is_cut_off_are_not_mixed_up),
        cmocka_unit_test(cuts_between_small_transactions_lose_nothing),
        cmocka_unit_test(a_crash_of_the_server_loses_and_doubles_nothing),
        cmocka_unit_test(the_server_can_shut_down_although_nothing_is_confirmed),
        cmocka_unit_test(the_server_can_shut_down_although_the_spool_is_full),
        cmocka_unit_test(the_server_does_not_drop_a_reader_whose_spool_is_full),
        cmocka_unit_test(a_reader_whose_spool_is_full_can_be_stopped),
        cmocka_unit_test(a_spool_that_cannot_be_written_ends_the_reader_and_it_says_so_at_once),
        cmocka_unit_test(a_reader_that_connects_to_a_server_that_hangs_can_be_stopped),
        cmocka_unit_test(nothing_is_confirmed_that_is_not_durable),
        cmocka_unit_test(an_idle_table_does_not_keep_the_log),
        cmocka_unit_test(stopping_confirms_what_is_durable_and_frees_the_slot),
        cmocka_unit_test(a_restart_goes_on_behind_the_last_stored_transaction),
        cmocka_unit_test(another_server_is_refused),
        cmocka_unit_test(a_server_set_back_to_before_what_was_seen_is_refused),
        cmocka_unit_test(a_slot_that_was_moved_on_is_refused),
        cmocka_unit_test(a_slot_that_is_gone_is_refused),
        cmocka_unit_test(a_slot_dropped_under_the_reader_ends_it_with_the_reason),
        cmocka_unit_test(a_publication_dropped_under_the_reader_ends_it_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
