/* Making and dropping our place in the log, on a real server.
 *
 * SEACHANGE_TEST_URL: a superuser on a throwaway server with wal_level = logical and max_prepared_transactions > 0. */
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
#include "base/log.h"
#include "base/stop.h"
#include "cdc/postgres/slot.h"

struct world {
    struct pg_server server;
    struct pg_conn *sql, *other; /* other: somebody's session */
    char name[48];               /* of schema, slot and publication */
    char told[2000];             /* by progress, as last */
    int times_told;
    const char *then; /* what the other session runs once we were told `after` times */
    int after;
};

static void die(const struct sc_error *err)
{
    fail_msg("%s", err->what);
}

static void run_on(struct pg_conn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void run_on(struct pg_conn *conn, const char *format, ...)
{
    struct sc_error err;
    struct buf sql = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&sql, format, args);
    va_end(args);
    if (pg_run(conn, &err, buf_cstr(&sql)) != SC_OK)
        die(&err);
    buf_fini(&sql);
}

static void assert_answer(struct world *w, const char *sql, const char *expected)
{
    struct sc_error err;
    char *value = NULL;
    if (pg_value(w->sql, &err, &value, sql, 1, (const char *[]){w->name}) != SC_OK)
        die(&err);
    assert_string_equal(value ? value : "(null)", expected);
    mem_free(value);
}

static void assert_no_slot(struct world *w)
{
    assert_answer(w, "SELECT count(*) FROM pg_replication_slots WHERE slot_name = $1", "0");
}

static int set_up(void **state)
{
    static int number;
    const char *url = getenv("SEACHANGE_TEST_URL");
    if (!url)
        return 0;
    struct world *w = mem_alloc(sizeof(*w));
    w->server.url = mem_strdup(url);
    w->server.application = mem_printf("it_slot_%d", (int)getpid());
    snprintf(w->name, sizeof(w->name), "it_slot_%d_%d", (int)getpid(), ++number);
    struct sc_error err;
    if (pg_server_learn(&w->server, "test", &w->sql, &err) != SC_OK ||
        pg_open(&w->server, "other", PG_DDL, &w->other, &err) != SC_OK)
        die(&err);
    run_on(w->sql, "CREATE SCHEMA %s; CREATE TABLE %s.t (id int PRIMARY KEY, note text)", w->name, w->name);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    if (!w)
        return 0;
    struct sc_error err;
    pg_close(w->other);
    if (pg_slot_drop(w->sql, w->name, w->server.application, &err) != SC_OK)
        die(&err);
    run_on(w->sql, "SET client_min_messages = error; DROP PUBLICATION IF EXISTS %s; DROP SCHEMA %s CASCADE", w->name,
           w->name);
    pg_close(w->sql);
    pg_server_fini(&w->server);
    mem_free(w);
    return 0;
}

static struct world *begin(void **state)
{
    if (!*state)
        skip();
    return *state;
}

/* Somebody's transaction that has written and stays open. */
static void leave_open(struct world *w)
{
    run_on(w->other, "BEGIN; INSERT INTO %s.t VALUES (1, 'secret')", w->name);
}

static void progress(void *arg, const char *text)
{
    struct world *w = arg;
    snprintf(w->told, sizeof(w->told), "%s", text);
    if (++w->times_told == w->after && w->then)
        run_on(w->other, "%s", w->then);
}

static enum sc_result create(struct world *w, int64_t wait_ms, uint64_t *point, struct sc_error *err)
{
    return pg_slot_create(&w->server, w->sql, w->name, wait_ms, progress, w, point, err);
}

/* --- the publication */

static void a_publication_sends_every_operation_of_one_table(void **state)
{
    struct world *w = begin(state);
    struct sc_error err;
    run_on(w->sql, "CREATE TABLE %s.child () INHERITS (%s.t)", w->name, w->name);
    assert_int_equal(pg_publication_create(w->sql, w->name, w->name, "t", &err), SC_OK);
    assert_answer(w,
                  "SELECT string_agg(schemaname || '.' || tablename, ' ') = $1 || '.t' FROM pg_publication_tables"
                  " WHERE pubname = $1",
                  "t");
    assert_answer(w,
                  "SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate FROM pg_publication"
                  " WHERE pubname = $1",
                  "t");
}

static void a_publication_that_is_gone_may_be_dropped_again(void **state)
{
    struct world *w = begin(state);
    struct sc_error err;
    assert_int_equal(pg_publication_create(w->sql, w->name, w->name, "t", &err), SC_OK);
    assert_int_equal(pg_publication_drop(w->sql, w->name, &err), SC_OK);
    assert_int_equal(pg_publication_drop(w->sql, w->name, &err), SC_OK);
    assert_answer(w, "SELECT count(*) FROM pg_publication WHERE pubname = $1", "0");
}

/* --- making the slot */

static void a_new_slot_begins_at_its_consistent_point_and_is_free(void **state)
{
    struct world *w = begin(state);
    struct sc_error err;
    uint64_t point = 0, confirmed = 0;
    if (create(w, 10000, &point, &err) != SC_OK)
        die(&err);
    char *text = NULL;
    assert_int_equal(pg_value(w->sql, &err, &text,
                              "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = $1 AND plugin ="
                              " 'pgoutput' AND NOT temporary AND NOT active",
                              1, (const char *[]){w->name}),
                     SC_OK);
    assert_non_null(text);
    assert_true(pg_lsn_parse(text, &confirmed));
    mem_free(text);
    assert_true(point != 0 && point == confirmed);
}

static void a_slot_waits_for_open_transactions_and_says_which(void **state)
{
    struct world *w = begin(state);
    struct sc_error err;
    uint64_t point;
    leave_open(w);
    w->then = "COMMIT";
    w->after = 2;
    if (create(w, 30000, &point, &err) != SC_OK)
        die(&err);
    assert_int_equal(w->times_told, 2);
    char pid[40];
    snprintf(pid, sizeof(pid), "pid %d (postgres, idle in transaction", w->other->backend_pid);
    assert_non_null(strstr(w->told, pid));
    assert_null(strstr(w->told, "secret"));
    assert_null(strstr(w->told, "INSERT"));
}

static void waiting_for_too_long_is_refused_by_name_and_leaves_nothing(void **state)
{
    struct world *w = begin(state);
    struct sc_error err;
    uint64_t point;
    leave_open(w);
    int64_t start = clock_us();
    assert_int_equal(create(w, 1500, &point, &err), SC_REFUSE);
    assert_true(clock_us() - start < 5000000);
    char pid[24];
    snprintf(pid, sizeof(pid), "pid %d (", w->other->backend_pid);
    assert_non_null(strstr(err.what, pid));
    assert_true(err.hint[0]);
    assert_no_slot(w);
    run_on(w->other, "ROLLBACK");
}

static void a_prepared_transaction_is_named_too(void **state)
{
    struct world *w = begin(state);
    struct sc_error err;
    uint64_t point;
    leave_open(w);
    run_on(w->other, "PREPARE TRANSACTION '%s'", w->name);
    assert_int_equal(create(w, 1500, &point, &err), SC_REFUSE);
    run_on(w->other, "ROLLBACK PREPARED '%s'", w->name);
    char expected[80];
    snprintf(expected, sizeof(expected), "prepared transaction '%s' (postgres", w->name);
    assert_non_null(strstr(err.what, expected));
    assert_no_slot(w);
}

static void a_slot_that_is_there_is_not_made_again_and_stays(void **state)
{
    struct world *w = begin(state);
    struct sc_error err;
    uint64_t point;
    if (create(w, 10000, &point, &err) != SC_OK)
        die(&err);
    assert_int_equal(create(w, 10000, &point, &err), SC_FAIL);
    assert_string_equal(err.sqlstate, "42710");
    assert_answer(w, "SELECT count(*) FROM pg_replication_slots WHERE slot_name = $1", "1");
}

static void a_connection_lost_while_waiting_leaves_nothing(void **state)
{
    struct world *w = begin(state);
    struct sc_error err;
    uint64_t point;
    leave_open(w);
    w->then = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ '^it_slot_.* slot$'";
    w->after = 1;
    assert_int_equal(create(w, 30000, &point, &err), SC_RETRY);
    assert_no_slot(w);
    run_on(w->other, "ROLLBACK");
}

/* --- dropping it */

static struct pg_conn *read_from_slot(struct world *w, const struct pg_server *server)
{
    struct sc_error err;
    struct pg_conn *reader = NULL;
    uint64_t point;
    if (pg_publication_create(w->sql, w->name, w->name, "t", &err) != SC_OK ||
        create(w, 10000, &point, &err) != SC_OK || pg_open(server, "reader", PG_REPLICATION, &reader, &err) != SC_OK)
        die(&err);
    char *sql = mem_printf("START_REPLICATION SLOT %s LOGICAL 0/0 (proto_version '1', publication_names '%s')", w->name,
                           w->name);
    if (pg_ask_within(reader, &err, NULL, sql, 10000) != SC_OK)
        die(&err);
    mem_free(sql);
    return reader;
}

static void dropping_ends_a_session_of_ours_that_still_reads(void **state)
{
    struct world *w = begin(state);
    struct sc_error err;
    struct pg_conn *reader = read_from_slot(w, &w->server);
    assert_answer(w, "SELECT active FROM pg_replication_slots WHERE slot_name = $1", "t");
    if (pg_slot_drop(w->sql, w->name, w->server.application, &err) != SC_OK)
        die(&err);
    assert_no_slot(w);
    assert_int_equal(pg_slot_drop(w->sql, w->name, w->server.application, &err), SC_OK);
    pg_close(reader);
}

static void dropping_does_not_end_a_session_of_somebody_else(void **state)
{
    struct world *w = begin(state);
    struct sc_error err;
    struct pg_server somebody = w->server;
    somebody.application = mem_strdup("somebody");
    struct pg_conn *reader = read_from_slot(w, &somebody);
    assert_int_equal(pg_slot_drop(w->sql, w->name, w->server.application, &err), SC_FAIL);
    assert_non_null(strstr(err.what, "still in use"));
    assert_answer(w, "SELECT active FROM pg_replication_slots WHERE slot_name = $1", "t");
    pg_close(reader);
    mem_free(somebody.application);
}

/* Last: a wish to stop cannot be taken back. */
static void a_wish_to_stop_ends_the_waiting_and_leaves_nothing(void **state)
{
    struct world *w = begin(state);
    struct sc_error err;
    uint64_t point;
    leave_open(w);
    stop_request();
    assert_int_equal(create(w, 30000, &point, &err), SC_STOP);
    assert_no_slot(w);
    run_on(w->other, "ROLLBACK");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    if (!getenv("SEACHANGE_TEST_URL"))
        printf("skipped: SEACHANGE_TEST_URL is not set\n");
    log_setup(LOG_ERROR, false);
    const struct CMUnitTest tests[] = {
        TEST(a_publication_sends_every_operation_of_one_table),
        TEST(a_publication_that_is_gone_may_be_dropped_again),
        TEST(a_new_slot_begins_at_its_consistent_point_and_is_free),
        TEST(a_slot_waits_for_open_transactions_and_says_which),
        TEST(waiting_for_too_long_is_refused_by_name_and_leaves_nothing),
        TEST(a_prepared_transaction_is_named_too),
        TEST(a_slot_that_is_there_is_not_made_again_and_stays),
        TEST(a_connection_lost_while_waiting_leaves_nothing),
        TEST(dropping_ends_a_session_of_ours_that_still_reads),
        TEST(dropping_does_not_end_a_session_of_somebody_else),
        TEST(a_wish_to_stop_ends_the_waiting_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
