/* Copying chunks on MySQL and MariaDB beside people who work with the table. */
#include <pthread.h>
#include <stdatomic.h>

#include "applier/mysql/rows.h"
#include "mysql_migration.h"

/* Copies the rest of the table in chunks of so many rows; returns how many chunks it took. */
static int copy_all(struct world *w, uint64_t rows)
{
    struct sc_error err = {0};
    struct key *after = NULL;
    for (int number = 0;; number++) {
        struct chunk chunk = {.number = (uint64_t)number, .after = after};
        uint64_t copied;
        must(mysql_target.chunk_bound(w->session, after, rows, &chunk.upto, &err), &err);
        enum sc_result result = SC_RETRY;
        for (int try = 0; try < 30 && result == SC_RETRY; try++) /* a row was locked for long */
            result = mysql_target.chunk_copy(w->session, &chunk, &copied, &err);
        must(result, &err);
        key_free(after);
        after = chunk.upto;
        if (!after)
            return number + 1;
    }
}

static void assert_copied(struct world *w, const char *columns)
{
    struct buf sql = {0};
    buf_printf(&sql,
               "SELECT (SELECT COUNT(*) FROM t) - (SELECT COUNT(*) FROM $) + (SELECT COUNT(*) FROM t LEFT JOIN "
               "$ USING (%s) WHERE ",
               columns);
    my_add_ghost(&sql, w->t);
    buf_str(&sql, ".extra IS NULL)");
    assert_ghost(w, buf_cstr(&sql), "0");
    buf_fini(&sql);
}

/* --- bounds --------------------------------------------------------------------------------------------------------
 */

static void keys_are_copied(struct world *w, const char *columns, const char *key, const char *values)
{
    run_on(w->sql, "DROP TABLE IF EXISTS t");
    run_on(w->sql, "CREATE TABLE t (%s, PRIMARY KEY (%s)) ENGINE=InnoDB CHARACTER SET utf8mb4", columns, key);
    run_on(w->sql, "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'");
    run_on(w->sql, "INSERT INTO t (%s) VALUES %s", key, values);
    run_on(w->sql, "SET SESSION sql_mode = DEFAULT");
    start_migration(w, "t", "ADD COLUMN extra int NOT NULL DEFAULT 7");
    int chunks = copy_all(w, 2);
    assert_true(chunks >= 3);
    assert_copied(w, key);
    struct sc_error err = {0};
    struct chunk *loaded;
    size_t count;
    must(mysql_target.chunks_load(w->session, &loaded, &count, &err), &err);
    assert_int_equal(count, chunks);
    for (size_t i = 0; i < count; i++) {
        assert_true(key_same(loaded[i].after, i ? loaded[i - 1].upto : NULL));
        if (i)
            key_free(loaded[i - 1].upto);
        key_free(loaded[i].after);
    }
    assert_null(loaded[count - 1].upto);
    mem_free(loaded);
}

#define KEY_TEST(name, columns, key, values)                                                                           \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        keys_are_copied(need(state), columns, key, values);                                                            \
    }

KEY_TEST(signed_and_negative_keys_are_cut_where_they_end, "id bigint", "id",
         "(-9223372036854775808),(-1),(0),(1),(9223372036854775807)")
KEY_TEST(unsigned_keys_beyond_the_signed_are_cut_where_they_end, "id bigint unsigned", "id",
         "(0),(1),(9223372036854775807),(9223372036854775808),(18446744073709551615)")
KEY_TEST(keys_of_text_with_a_collation_are_cut_where_they_end,
         "id varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", "id",
         "('a'),('B'),('c'),('\xc3\xa9'),('\xc3\x9f'),('it''s'),('\\\\'),(''),('Z'),('\xf0\x9f\x98\x80')")
KEY_TEST(keys_of_text_in_latin1_are_cut_where_they_end, "id varchar(40) CHARACTER SET latin1 COLLATE latin1_german2_ci",
         "id", "('a'),('B'),('c'),('\xc3\xa9'),('\xc3\xbc'),('\xc3\xb6x')")
KEY_TEST(keys_of_bytes_are_cut_where_they_end, "id varbinary(16)", "id",
         "(X''),(X'00'),(X'0000'),(X'27'),(X'5C'),(X'FF'),(X'FF00')")
KEY_TEST(binary_keys_are_cut_where_they_end, "id binary(4)", "id",
         "(X'00000000'),(X'00000001'),(X'27275C5C'),(X'FFFFFFFF'),(X'FF000000')")
KEY_TEST(decimal_keys_are_cut_where_they_end, "id decimal(30,10)", "id",
         "(-12345678901234567890.0123456789),(0),(0.0000000001),(12345678901234567890.0123456789),(1)")
KEY_TEST(floating_keys_are_cut_where_they_end, "id double", "id", "(-1e300),(-0.1),(0.1),(1.0000000000000002),(1e300)")
KEY_TEST(float_keys_are_cut_where_they_end, "id float", "id", "(-1e30),(-0.1),(0.1),(1.1),(3.4e38),(16777216)")
KEY_TEST(dates_and_times_are_cut_where_they_end, "d date, t datetime(6)", "d, t",
         "('2020-01-01','2020-01-01 00:00:00.000001'),('2020-01-01','2020-01-01 00:00:00.000002'),('9999-12-31',"
         "'9999-12-31 23:59:59.999999'),('1000-01-01','1000-01-01 00:00:00')")
KEY_TEST(timestamps_are_cut_where_they_end, "id timestamp(3)", "id",
         "('2020-03-29 01:59:59.999'),('2020-03-29 03:00:00'),('2020-10-25 02:30:00'),('2020-10-25 02:30:00.001'),"
         "('2038-01-01 00:00:00')")
KEY_TEST(times_and_years_are_cut_where_they_end, "id time, y year", "id, y",
         "('-838:59:59',1901),('00:00:00',2155),('00:00:00',2000),('838:59:59',2000),('12:00:00',1970)")
KEY_TEST(keys_of_several_columns_are_cut_where_they_end, "a int, b varchar(10), c int", "a, b, c",
         "(1,'a',1),(1,'a',2),(1,'b',1),(1,'b',2),(2,'a',1),(2,'a',2),(2,'b',-1),(3,'',0)")
KEY_TEST(keys_of_names_are_cut_where_they_end, "a enum('z','a','m') NOT NULL, b int", "a, b",
         "('z',1),('z',2),('a',1),('a',2),('m',1),('m',2)")
KEY_TEST(bits_are_cut_where_they_end, "id bit(64)", "id", "(0),(1),(9223372036854775808),(18446744073709551615),(77)")

static void a_chunk_is_found_by_a_range_of_the_key(void **state)
{
    struct world *w = need(state);
    run_on(w->sql, "CREATE TABLE t (a int, b int, c int, PRIMARY KEY (a, b)) ENGINE=InnoDB");
    run_on(w->sql, "INSERT INTO t (a, b) VALUES (1, 1)");
    for (int i = 0; i < 12; i++)
        run_on(w->sql, "INSERT INTO t (a, b) SELECT a + %d, b FROM t", 1 << i);
    start_migration(w, "t", "ADD COLUMN extra int NOT NULL DEFAULT 7");
    copy_all(w, 500);
    run_on(w->sql, "FLUSH STATUS");
    struct sc_error err = {0};
    struct chunk chunk = {.number = 1000};
    struct key *middle = NULL;
    uint64_t rows;
    must(mysql_target.chunk_bound(w->session, NULL, 2000, &middle, &err), &err);
    chunk.after = middle;
    must(mysql_target.chunk_bound(w->session, middle, 10, &chunk.upto, &err), &err);
    must(my_run(w->session->conn, &err, "FLUSH STATUS"), &err);
    must(mysql_target.chunk_copy(w->session, &chunk, &rows, &err), &err);
    assert_int_equal(rows, 10);
    MYSQL_RES *res;
    must(my_query(w->session->conn, &err, &res, "SHOW SESSION STATUS LIKE 'Handler_read%'"), &err);
    MYSQL_ROW row;
    while ((row = mysql_fetch_row(res)))
        if (strcmp(row[0], "Handler_read_rnd_next") != 0 && strtol(row[1], NULL, 10) > 100)
            fail_msg("%s %s", row[0], row[1]);
    mysql_free_result(res);
    key_free(middle);
    key_free(chunk.upto);
}

/* --- others --------------------------------------------------------------------------------------------------------
 */

static void make_numbers(struct world *w, int doublings)
{
    run_on(w->sql, "CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL DEFAULT 0) ENGINE=InnoDB");
    run_on(w->sql, "INSERT INTO t (id) VALUES (1)");
    for (int i = 0; i < doublings; i++)
        run_on(w->sql, "INSERT INTO t (id) SELECT id + %d FROM t", 1 << i);
    start_migration(w, "t", "ADD COLUMN extra int NOT NULL DEFAULT 7");
}

static void rows_the_applier_has_put_there_are_left_alone(void **state)
{
    struct world *w = need(state);
    make_numbers(w, 6);
    give_update(w, ROW("5", "0"), ROW("5", "500"));
    must_apply(w, false, true);
    copy_all(w, 10);
    assert_ghost(w, "SELECT v FROM $ WHERE id = 5", "500");
    assert_copied(w, "id");
}

static void a_chunk_that_is_recorded_is_not_copied_again(void **state)
{
    struct world *w = need(state);
    struct sc_error err = {0};
    make_numbers(w, 4);
    struct chunk chunk = {.number = 0};
    uint64_t rows = 0;
    must(mysql_target.chunk_copy(w->session, &chunk, &rows, &err), &err);
    assert_int_equal(rows, 16);
    run_on(w->sql, "INSERT INTO t (id) VALUES (1000)");
    rows = 0;
    must(mysql_target.chunk_copy(w->session, &chunk, &rows, &err), &err);
    assert_int_equal(rows, 16);
    assert_ghost(w, "SELECT COUNT(*) FROM $", "16");
}

struct copying {
    struct world *w;
    pthread_t thread;
    atomic_bool done;
};

static void *copy_in_thread(void *arg)
{
    struct copying *c = arg;
    copy_all(c->w, 1000);
    atomic_store(&c->done, true);
    return NULL;
}

static void a_row_that_is_locked_is_waited_for_and_no_other(void **state)
{
    struct world *w = need(state);
    make_numbers(w, 12);
    run_on(w->other, "START TRANSACTION");
    run_on(w->other, "DELETE FROM t WHERE id = 700");
    struct copying c = {.w = w};
    pthread_create(&c.thread, NULL, copy_in_thread, &c);
    clock_sleep_ms(1500);
    assert_false(atomic_load(&c.done));
    /* What lies before it is there, and nothing of the table is locked but the row that somebody else holds. */
    assert_ghost(w, "SELECT COUNT(*) FROM $", "699");
    run_on(w->sql, "SET SESSION innodb_lock_wait_timeout = 1");
    /* In three, because the server may wait for the row behind a range, too, and for each row of a table it reads whole
     * (MariaDB 11 does). */
    run_on(w->sql, "UPDATE t SET v = v + 0 WHERE id < 699");
    run_on(w->sql, "UPDATE t SET v = v + 0 WHERE id = 699");
    run_on(w->sql, "UPDATE t SET v = v + 0 WHERE id > 700");
    run_on(w->other, "ROLLBACK");
    pthread_join(c.thread, NULL);
    assert_copied(w, "id");
}

/* The row is seen by everybody, but its writer has changed it already. */
static void a_row_that_is_being_deleted_is_not_copied(void **state)
{
    struct world *w = need(state);
    make_numbers(w, 10);
    run_on(w->other, "START TRANSACTION");
    run_on(w->other, "DELETE FROM t WHERE id IN (1, 500, 1024)");
    struct copying c = {.w = w};
    pthread_create(&c.thread, NULL, copy_in_thread, &c);
    clock_sleep_ms(300);
    assert_false(atomic_load(&c.done));
    run_on(w->other, "COMMIT");
    pthread_join(c.thread, NULL);
    assert_copied(w, "id");
    assert_ghost(w, "SELECT COUNT(*) FROM $", "1021");
}

/* Rows of a transaction that was prepared before the log is read: the log will never give them, and until it ends no
 * query sees them. */
static void rows_that_are_prepared_are_waited_for(void **state)
{
    struct world *w = need(state);
    run_on(w->sql, "CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL DEFAULT 0) ENGINE=InnoDB");
    run_on(w->sql, "INSERT INTO t (id) VALUES (2)");
    for (int i = 1; i <= 10; i++)
        run_on(w->sql, "INSERT INTO t (id) SELECT id + %d FROM t", 1 << i);
    run_on(w->other, "XA START 'sc_data'");
    run_on(w->other, "INSERT INTO t (id) VALUES (1), (701), (703), (5000), (5001)");
    run_on(w->other, "DELETE FROM t WHERE id = 900");
    run_on(w->other, "XA END 'sc_data'");
    run_on(w->other, "XA PREPARE 'sc_data'");
    start_migration(w, "t", "ADD COLUMN extra int NOT NULL DEFAULT 7");
    struct copying c = {.w = w};
    pthread_create(&c.thread, NULL, copy_in_thread, &c);
    clock_sleep_ms(1500);
    assert_false(atomic_load(&c.done));
    run_on(w->other, "XA COMMIT 'sc_data'");
    pthread_join(c.thread, NULL);
    assert_copied(w, "id");
    assert_ghost(w, "SELECT COUNT(*) FROM $", "1028");
}

/* --- a crowd -------------------------------------------------------------------------------------------------------
 */

#define WRITERS 8
#define ROWS_A_TRANSACTION 6
#define CROWD_ROWS 8192
#define CROWD_MS 6000

struct writer {
    pthread_t thread;
    struct my_conn *conn;
    unsigned seed;
    atomic_bool *stop;
    long transactions;
    unsigned failed; /* error number */
};

static int highest_first(const void *a, const void *b)
{
    return *(const int *)b - *(const int *)a;
}

/* They lock in one order, and the copy in the other: whoever is ended as a deadlock's victim was so because of it. */
static void *write_rows(void *arg)
{
    struct writer *writer = arg;
    struct sc_error err;
    while (!atomic_load(writer->stop) && !writer->failed) {
        int ids[ROWS_A_TRANSACTION];
        for (int i = 0; i < ROWS_A_TRANSACTION; i++)
            ids[i] = (int)(rand_r(&writer->seed) % (i < 2 ? 50 : CROWD_ROWS)) + 1;
        qsort(ids, ROWS_A_TRANSACTION, sizeof(ids[0]), highest_first);
        bool backwards = rand_r(&writer->seed) % 8 == 0;
        enum sc_result result = my_run(writer->conn, &err, "START TRANSACTION");
        for (int i = 0; i < ROWS_A_TRANSACTION && result == SC_OK; i++)
            result = my_runf(writer->conn, &err, "UPDATE t SET v = v + 1 WHERE id = %d", ids[i]);
        if (result == SC_OK)
            result = my_run(writer->conn, &err, backwards ? "ROLLBACK" : "COMMIT");
        if (result != SC_OK)
            writer->failed = my_errno(writer->conn);
        writer->transactions++;
    }
    return NULL;
}

static void a_chunk_among_writers_never_makes_one_of_them_a_victim(void **state)
{
    struct world *w = need(state);
    make_numbers(w, 13);
    atomic_bool stop = false;
    struct writer writers[WRITERS] = {0};
    struct sc_error err = {0};
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.seed = (unsigned)i + 1, .stop = &stop};
        must(my_open(&w->server, "writer", MY_DDL, &writers[i].conn, &err), &err);
        run_on(writers[i].conn, "USE sc_data");
        run_on(writers[i].conn, "SET SESSION TRANSACTION ISOLATION LEVEL %s",
               i % 2 ? "REPEATABLE READ" : "READ COMMITTED");
        run_on(writers[i].conn, "SET SESSION innodb_lock_wait_timeout = 5");
        pthread_create(&writers[i].thread, NULL, write_rows, &writers[i]);
    }
    int64_t until = clock_us() + (int64_t)CROWD_MS * 1000;
    int times = 0;
    while (clock_us() < until) {
        copy_all(w, 3000);
        times++;
        run_on(w->sql, "DELETE FROM _seachange_chunk");
        if (times % 3 == 0) {
            struct buf sql = {0};
            buf_str(&sql, "DELETE FROM ");
            my_add_ghost(&sql, w->t);
            run_on(w->sql, "%s", buf_cstr(&sql));
            buf_fini(&sql);
        }
    }
    atomic_store(&stop, true);
    long transactions = 0;
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_int_equal(writers[i].failed, 0);
        transactions += writers[i].transactions;
        my_close(writers[i].conn);
    }
    print_message("%d copies, %ld transactions\n", times, transactions);
    assert_true(times > 0);
    assert_true(transactions > 200);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(signed_and_negative_keys_are_cut_where_they_end),
        TEST(unsigned_keys_beyond_the_signed_are_cut_where_they_end),
        TEST(keys_of_text_with_a_collation_are_cut_where_they_end),
        TEST(keys_of_text_in_latin1_are_cut_where_they_end),
        TEST(keys_of_bytes_are_cut_where_they_end),
        TEST(binary_keys_are_cut_where_they_end),
        TEST(decimal_keys_are_cut_where_they_end),
        TEST(floating_keys_are_cut_where_they_end),
        TEST(float_keys_are_cut_where_they_end),
        TEST(dates_and_times_are_cut_where_they_end),
        TEST(timestamps_are_cut_where_they_end),
        TEST(times_and_years_are_cut_where_they_end),
        TEST(keys_of_several_columns_are_cut_where_they_end),
        TEST(keys_of_names_are_cut_where_they_end),
        TEST(bits_are_cut_where_they_end),
        TEST(a_chunk_is_found_by_a_range_of_the_key),
        TEST(rows_the_applier_has_put_there_are_left_alone),
        TEST(a_chunk_that_is_recorded_is_not_copied_again),
        TEST(a_row_that_is_locked_is_waited_for_and_no_other),
        TEST(a_row_that_is_being_deleted_is_not_copied),
        TEST(rows_that_are_prepared_are_waited_for),
        TEST(a_chunk_among_writers_never_makes_one_of_them_a_victim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
