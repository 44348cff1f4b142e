/* The swap on MySQL and MariaDB, and what may come between. */
#include <pthread.h>
#include <stdatomic.h>

#include "applier/mysql/cutover.h"
#include "base/mysql/conn_library.h"
#include "mysql_migration.h"
#include "wire.h"

#define LOCK_MS 400

/* A table of three rows, copied, with its indexes, ready to be swapped. */
static void begin(struct world *w, const char *alter)
{
    struct sc_error err = {0};
    run_on(w->sql, "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v varchar(20), KEY v (v)) ENGINE=InnoDB");
    run_on(w->sql, "INSERT INTO t (id, v) VALUES (1, 'a'), (2, 'b'), (3, 'c'), (900, 'gone')");
    run_on(w->sql, "DELETE FROM t WHERE id = 900");
    start_migration(w, "t", alter);
    struct chunk all = {.number = 0};
    uint64_t rows;
    must(mysql_target.chunk_copy(w->session, &all, &rows, &err), &err);
    build_stages(w);
}

static void ready_and_lock(struct world *w)
{
    struct sc_error err = {0};
    must(mysql_target.cutover_ready(w->session, &err), &err);
    must(mysql_target.cutover_lock(w->session, LOCK_MS, &err), &err);
}

static bool is_mariadb(const struct world *w)
{
    return w->server.family == MY_MARIADB;
}

static void assert_outcome(struct world *w, enum swap_outcome expected)
{
    struct sc_error err = {0};
    enum swap_outcome outcome;
    must(mysql_target.cutover_outcome(w->t, &outcome, &err), &err);
    assert_int_equal(outcome, expected);
}

static void assert_untouched(struct world *w)
{
    assert_outcome(w, SWAP_NOT_DONE);
    assert_answer(w->sql,
                  "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'sc_data' AND TABLE_NAME "
                  "= 't'",
                  "2");
    run_on(w->sql, "SET SESSION lock_wait_timeout = 2");
    run_on(w->sql, "UPDATE t SET v = v");
}

/* --- a client that writes ------------------------------------------------------------------------------------------
 */

struct client {
    struct world *w;
    struct my_conn *conn;
    pthread_t thread;
    int first, count;
    atomic_int acknowledged;
    unsigned failed;
};

static void *insert_rows(void *arg)
{
    struct client *c = arg;
    struct sc_error err;
    for (int i = 0; i < c->count && !c->failed; i++) {
        if (my_runf(c->conn, &err, "INSERT INTO t (id, v) VALUES (%d, 'client')", c->first + i) != SC_OK)
            c->failed = my_errno(c->conn);
        else
            atomic_fetch_add(&c->acknowledged, 1);
    }
    return NULL;
}

static void client_start(struct client *c, struct world *w, int first, int count)
{
    struct sc_error err = {0};
    *c = (struct client){.w = w, .first = first, .count = count};
    must(my_open(&w->server, "client", MY_DDL, &c->conn, &err), &err);
    run_on(c->conn, "USE sc_data");
    pthread_create(&c->thread, NULL, insert_rows, c);
}

static void client_end(struct client *c)
{
    pthread_join(c->thread, NULL);
    my_close(c->conn);
}

/* --- swapped -------------------------------------------------------------------------------------------------------
 */

static void the_swap_brings_what_was_drained_and_who_waited_to_the_new_table(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    begin(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    ready_and_lock(w);
    struct client client;
    client_start(&client, w, 1000, 3);
    give_update(w, ROW("2", "b"), ROW("2", "B"));
    give_insert(w, ROW("4", "d"));
    struct batch batch = batch_of(w, true, true);
    must(mysql_target.apply(w->session, &batch, false, &err), &err);
    clock_sleep_ms(100);
    assert_int_equal(atomic_load(&client.acknowledged), 0);
    must(mysql_target.cutover_swap(w->session, &err), &err);
    client_end(&client);
    assert_int_equal(client.failed, 0);
    assert_answer(w->sql, "SELECT GROUP_CONCAT(id, ':', v, ':', extra ORDER BY id) FROM t",
                  "1:a:7,2:B:7,3:c:7,4:d:7,1000:client:7,1001:client:7,1002:client:7");
    assert_outcome(w, SWAP_DONE);
    assert_answer(w->sql, "SELECT CONCAT(phase, ' ', applied_order) FROM _seachange_migration", "cleanup 2");
    char *old = mem_printf("SELECT COUNT(*) FROM %s", w->t->old_name);
    assert_answer(w->sql, old, "3");
    mem_free(old);
}

static void numbers_that_were_given_are_not_given_again(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    begin(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    ready_and_lock(w);
    must(mysql_target.cutover_swap(w->session, &err), &err);
    run_on(w->sql, "INSERT INTO t (v) VALUES ('next')");
    assert_answer(w->sql, "SELECT id FROM t WHERE v = 'next'", "901");
}

static void one_session_can_try_again_and_again(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    begin(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    for (int i = 0; i < 5; i++) {
        ready_and_lock(w);
        give_insert(w, ROW("4", "d"));
        struct batch batch = batch_of(w, true, true);
        must(mysql_target.apply(w->session, &batch, false, &err), &err);
        mysql_target.cutover_unlock(w->session);
        assert_untouched(w);
        assert_ghost(w, "SELECT COUNT(*) FROM $", "3");
        assert_answer(w->sql,
                      "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'sc_data' AND "
                      "TABLE_NAME LIKE '%seachange_old%'",
                      "0");
    }
    ready_and_lock(w);
    must(mysql_target.cutover_swap(w->session, &err), &err);
    assert_outcome(w, SWAP_DONE);
}

/* --- not now -------------------------------------------------------------------------------------------------------
 */

static void who_holds_the_table_is_named_and_not_waited_for_long(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    begin(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    run_on(w->other, "START TRANSACTION");
    run_on(w->other, "UPDATE t SET v = 'held' WHERE id = 1");
    must(mysql_target.cutover_ready(w->session, &err), &err);
    int64_t start = clock_us();
    assert_int_equal(mysql_target.cutover_lock(w->session, LOCK_MS, &err), SC_RETRY);
    assert_true(clock_us() - start < (LOCK_MS + 300) * 1000);
    char *id = mem_printf("connection %lu (", w->other->thread_id);
    if (!strstr(err.what, id))
        fail_msg("%s", err.what);
    mem_free(id);
    run_on(w->other, "COMMIT");
    assert_untouched(w);
    ready_and_lock(w);
    must(mysql_target.cutover_swap(w->session, &err), &err);
}

static void a_definition_that_was_changed_is_not_swapped_away(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    begin(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    run_on(w->sql, "ALTER TABLE t MODIFY v varchar(21)");
    ready_and_lock(w);
    assert_int_equal(mysql_target.cutover_swap(w->session, &err), SC_FAIL);
    assert_untouched(w);
}

static void who_reads_the_ghost_keeps_it_from_being_swapped_and_loses_nobody_a_row(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    begin(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    run_on(w->other, "START TRANSACTION");
    struct buf sql = {0};
    my_add_ghost(&sql, w->t);
    run_on(w->other, "DO (SELECT COUNT(*) FROM %s)", buf_cstr(&sql));
    buf_fini(&sql);
    must(mysql_target.cutover_ready(w->session, &err), &err);
    enum sc_result result = mysql_target.cutover_lock(w->session, LOCK_MS, &err);
    struct client client;
    client_start(&client, w, 1000, 200);
    if (is_mariadb(w)) {
        must(result, &err);
        clock_sleep_ms(50);
        assert_int_equal(mysql_target.cutover_swap(w->session, &err), SC_RETRY);
    } else {
        assert_int_equal(result, SC_RETRY);
    }
    client_end(&client);
    assert_int_equal(client.failed, 0);
    assert_untouched(w);
    assert_answer(w->sql, "SELECT COUNT(*) FROM t WHERE v = 'client'", "200");
}

/* REPEATABLE READ: what it sees after the swap would not be what is there. */
static void who_holds_an_older_snapshot_is_waited_for(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    run_on(w->sql, "CREATE TABLE other (id int PRIMARY KEY) ENGINE=InnoDB");
    begin(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    run_on(w->other, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    run_on(w->other, "START TRANSACTION WITH CONSISTENT SNAPSHOT");
    w->t->spec.old_snapshot_wait_ms = 60000;
    assert_int_equal(mysql_target.cutover_ready(w->session, &err), SC_RETRY);
    char *id = mem_printf("connection %lu (", w->other->thread_id);
    if (!strstr(err.what, id))
        fail_msg("%s", err.what);
    mem_free(id);
    run_on(w->other, "COMMIT");
    ready_and_lock(w);
    /* One that came behind that, and is idle while the table is locked. */
    run_on(w->other, "START TRANSACTION WITH CONSISTENT SNAPSHOT");
    run_on(w->other, "DO (SELECT COUNT(*) FROM other)");
    assert_int_equal(mysql_target.cutover_swap(w->session, &err), SC_RETRY);
    assert_untouched(w);
    /* Not for ever. */
    w->t->spec.old_snapshot_wait_ms = 1;
    ready_and_lock(w);
    must(mysql_target.cutover_swap(w->session, &err), &err);
    run_on(w->other, "COMMIT");
}

/* --- broken connections --------------------------------------------------------------------------------------------
 */

static void kill_connection(struct world *w, const struct my_conn *conn)
{
    struct sc_error err;
    my_runf(w->sql, &err, "KILL %lu", conn->thread_id);
    clock_sleep_ms(20);
}

enum victim { LOCK_CONNECTION = 1, RENAME_CONNECTION = 2, SESSION_CONNECTION = 4 };

/* Connections break while the table is locked, before the swap: nothing may be swapped, and nobody's row may go. */
static void break_before_swap(struct world *w, int victims)
{
    struct sc_error err = {0};
    begin(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    ready_and_lock(w);
    struct client client;
    client_start(&client, w, 1000, 100);
    clock_sleep_ms(20);
    if (victims & LOCK_CONNECTION)
        kill_connection(w, w->session->cutover->lock);
    if (victims & RENAME_CONNECTION)
        kill_connection(w, w->session->cutover->rename);
    if (victims & SESSION_CONNECTION)
        kill_connection(w, w->session->conn);
    enum sc_result result = mysql_target.cutover_swap(w->session, &err);
    assert_true(result == SC_RETRY || result == SC_UNKNOWN || result == SC_FAIL);
    assert_true(result != SC_FAIL || victims != SESSION_CONNECTION);
    client_end(&client);
    assert_int_equal(client.failed, 0);
    assert_outcome(w, SWAP_NOT_DONE);
    assert_untouched(w);
    assert_answer(w->sql, "SELECT COUNT(*) FROM t WHERE v = 'client'", "100");
    /* The next try finds everything in order. */
    mysql_target.session_close(w->session);
    w->session = open_session(w, "again");
    run_on(w->sql, "DELETE FROM t WHERE v = 'client'");
    ready_and_lock(w);
    must(mysql_target.cutover_swap(w->session, &err), &err);
    assert_outcome(w, SWAP_DONE);
}

static void the_session_breaks_before_the_swap(void **state)
{
    break_before_swap(need(state), SESSION_CONNECTION);
}
static void the_lock_connection_breaks_before_the_swap(void **state)
{
    break_before_swap(need(state), LOCK_CONNECTION);
}
static void the_rename_connection_breaks_before_the_swap(void **state)
{
    break_before_swap(need(state), RENAME_CONNECTION);
}
static void both_connections_break_before_the_swap(void **state)
{
    break_before_swap(need(state), LOCK_CONNECTION | RENAME_CONNECTION);
}
static void all_connections_break_before_the_swap(void **state)
{
    break_before_swap(need(state), LOCK_CONNECTION | RENAME_CONNECTION | SESSION_CONNECTION);
}

/* Somebody else's RENAME that waits already would be the next to get the table. */
static void *drop_table(void *arg)
{
    struct my_conn *conn = arg;
    struct sc_error err;
    my_run(conn, &err, "TRUNCATE TABLE t");
    return NULL;
}

static void who_waits_to_change_the_table_comes_first_and_nothing_is_swapped(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    begin(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    ready_and_lock(w);
    pthread_t thread;
    pthread_create(&thread, NULL, drop_table, w->other);
    clock_sleep_ms(100);
    assert_int_equal(mysql_target.cutover_swap(w->session, &err), SC_RETRY);
    pthread_join(thread, NULL);
    assert_untouched(w);
    assert_answer(w->sql, "SELECT COUNT(*) FROM t", "0");
}

/* --- broken for us alone, and not for the server -------------------------------------------------------------------
 */

static void truncate_and_wait(void *arg)
{
    struct my_conn *conn = arg;
    pthread_t thread;
    pthread_create(&thread, NULL, drop_table, conn);
    pthread_detach(thread);
    clock_sleep_ms(200);
}

/* It comes when the RENAME is on its way already, and stands before it. */
static void who_comes_just_before_the_rename_keeps_it_from_swapping(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    begin(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    ready_and_lock(w);
    struct wire wire = {.before = truncate_and_wait, .arg = w->other};
    wire_start(&wire, my_library_socket(w->session->cutover->rename->my));
    assert_int_equal(mysql_target.cutover_swap(w->session, &err), SC_RETRY);
    clock_sleep_ms(200);
    assert_untouched(w);
    assert_answer(w->sql, "SELECT COUNT(*) FROM t", "0");
    mysql_target.session_close(w->session);
    w->session = NULL;
    wire_end(&wire);
}

/* The server gets the RENAME when the table was given back long ago. */
static void a_rename_that_arrives_late_swaps_nothing(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    begin(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    ready_and_lock(w);
    struct client client;
    client_start(&client, w, 1000, 50);
    struct wire wire = {.cut = true, .late_ms = 1000};
    wire_start(&wire, my_library_socket(w->session->cutover->rename->my));
    enum sc_result result = mysql_target.cutover_swap(w->session, &err);
    assert_int_equal(result, SC_RETRY);
    client_end(&client);
    assert_int_equal(client.failed, 0);
    clock_sleep_ms(1500);
    assert_answer(w->sql, "SELECT COUNT(*) FROM t WHERE v = 'client'", "50");
    assert_untouched(w);
    mysql_target.session_close(w->session);
    w->session = NULL;
    wire_end(&wire);
}

/* The server has not noticed that it is gone, and holds what it has locked. */
static void a_lock_that_was_lost_holds_nobody_up(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    begin(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    ready_and_lock(w);
    struct my_conn *lock = is_mariadb(w) ? w->session->cutover->lock : w->session->conn;
    struct wire wire = {.cut = true, .late_ms = -1};
    wire_start(&wire, my_library_socket(lock->my));
    assert_int_equal(mysql_target.cutover_swap(w->session, &err), SC_RETRY);
    assert_untouched(w);
    mysql_target.session_close(w->session);
    w->session = NULL;
    wire_end(&wire);
}

/* --- broken at any moment ------------------------------------------------------------------------------------------
 */

struct killer {
    struct my_conn *conn;
    unsigned long ids[3];
    int after_us;
};

static void *kill_at_some_moment(void *arg)
{
    struct killer *k = arg;
    struct sc_error err;
    usleep((useconds_t)k->after_us);
    for (int i = 0; i < 3; i++)
        if (k->ids[i])
            my_runf(k->conn, &err, "KILL %lu", k->ids[i]);
    return NULL;
}

/* A server that was restarted gives the numbers of our lost connections to others. */
static void who_has_the_number_of_a_lost_session_is_left_alone(void **state)
{
    struct world *w = need(state);
    begin(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
    my_session_lost(w->t, w->other);
    mysql_target.session_close(open_session(w, "next"));
    assert_answer(w->other, "SELECT 'still there'", "still there");
    /* One of ours is ended before the next takes its place. */
    struct session *lost = open_session(w, "lost");
    char *ours = mem_printf("%lu", lost->conn->thread_id);
    char *look = mem_printf("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = %s", ours);
    my_session_lost(w->t, lost->conn);
    mysql_target.session_close(open_session(w, "next"));
    assert_answer(w->sql, look, "0");
    lost->conn->lost = true;
    mysql_target.session_close(lost);
    mem_free(look);
    mem_free(ours);
}

/* Writers wait for the table while it is swapped and connections are killed. Whatever comes of it, what was
 * acknowledged to them is in the table. */
static void a_swap_with_connections_killed_at_any_moment_loses_no_row(void **state)
{
    struct world *w = need(state);
    int done = 0, not_done = 0;
    unsigned seed = 7;
    double within_us = 25000; /* follows how long a swap takes here, so that both come about */
    for (int i = 0; i < 40; i++) {
        struct sc_error err = {0};
        run_on(w->sql, "DROP TABLE IF EXISTS t");
        begin(w, "ADD COLUMN extra int NOT NULL DEFAULT 7");
        ready_and_lock(w);
        struct client clients[3];
        for (int c = 0; c < 3; c++)
            client_start(&clients[c], w, 1000 * (c + 1), 60);
        clock_sleep_ms(5);
        struct killer killer = {.conn = w->other, .after_us = (int)(rand_r(&seed) % (unsigned)within_us)};
        const struct my_conn *all[] = {w->session->conn, w->session->cutover->lock, w->session->cutover->rename};
        int which = 1 + (int)(rand_r(&seed) % 7);
        for (int v = 0; v < 3; v++)
            if (all[v] && (which >> v & 1 || !is_mariadb(w)))
                killer.ids[v] = all[v]->thread_id;
        pthread_t thread;
        pthread_create(&thread, NULL, kill_at_some_moment, &killer);
        mysql_target.cutover_swap(w->session, &err);
        pthread_join(thread, NULL);
        mysql_target.session_close(w->session);
        w->session = NULL;
        int acknowledged = 0;
        for (int c = 0; c < 3; c++) {
            client_end(&clients[c]);
            assert_int_equal(clients[c].failed, 0);
            acknowledged += atomic_load(&clients[c].acknowledged);
        }
        assert_int_equal(acknowledged, 180);
        enum swap_outcome outcome;
        must(mysql_target.cutover_outcome(w->t, &outcome, &err), &err);
        assert_true(outcome != SWAP_UNPROVEN);
        done += outcome == SWAP_DONE;
        not_done += outcome == SWAP_NOT_DONE;
        within_us *= outcome == SWAP_DONE ? 0.8 : within_us < 1000000 ? 1.3 : 1;
        within_us = within_us < 1000 ? 1000 : within_us;
        assert_answer(w->sql, "SELECT COUNT(*) FROM t WHERE v = 'client'", "180");
        assert_answer(w->sql, "SELECT COUNT(*) FROM t WHERE v <> 'client'", "3");
        struct buf sql = {0};
        buf_str(&sql, "DROP TABLE IF EXISTS ");
        my_add_ghost(&sql, w->t);
        buf_str(&sql, ", ");
        my_add_old(&sql, w->t);
        run_on(w->sql, "%s", buf_cstr(&sql));
        buf_fini(&sql);
        mysql_target.close(w->t);
        w->t = NULL;
        fold_free(w->fold);
        w->fold = NULL;
        run_on(
            w->sql,
            "DROP TABLE _seachange_migration, _seachange_chunk, _seachange_verified, _seachange_todo, _seachange_part, "
            "_seachange_marker");
    }
    print_message("%d swapped, %d not\n", done, not_done);
    assert_true(done > 0);
    assert_true(not_done > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)

/* MySQL swaps on one connection; MariaDB has others that can break. */
static bool server_is_mariadb(void)
{
    void *state = NULL;
    bool mariadb = world_up(&state) == 0 && state && is_mariadb(state);
    world_down(&state);
    return mariadb;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_swap_brings_what_was_drained_and_who_waited_to_the_new_table),
        TEST(numbers_that_were_given_are_not_given_again),
        TEST(one_session_can_try_again_and_again),
        TEST(who_holds_the_table_is_named_and_not_waited_for_long),
        TEST(a_definition_that_was_changed_is_not_swapped_away),
        TEST(who_reads_the_ghost_keeps_it_from_being_swapped_and_loses_nobody_a_row),
        TEST(who_holds_an_older_snapshot_is_waited_for),
        TEST(the_session_breaks_before_the_swap),
        TEST(a_lock_that_was_lost_holds_nobody_up),
        TEST(who_has_the_number_of_a_lost_session_is_left_alone),
        TEST(a_swap_with_connections_killed_at_any_moment_loses_no_row),
    };
    const struct CMUnitTest several_connections[] = {
        TEST(the_lock_connection_breaks_before_the_swap),
        TEST(the_rename_connection_breaks_before_the_swap),
        TEST(both_connections_break_before_the_swap),
        TEST(all_connections_break_before_the_swap),
        TEST(who_waits_to_change_the_table_comes_first_and_nothing_is_swapped),
        TEST(who_comes_just_before_the_rename_keeps_it_from_swapping),
        TEST(a_rename_that_arrives_late_swaps_nothing),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (server_is_mariadb())
        failed += cmocka_run_group_tests(several_connections, NULL, NULL);
    return failed;
}
