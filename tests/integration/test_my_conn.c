/* Connections to a real MySQL or MariaDB: SEACHANGE_TEST_MYSQL_URL, of an account that may do everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mysql/conn.h"
#include "base/mysql/url.h"

static struct my_server server;
static struct my_conn *ddl;

static void run(struct my_conn *conn, const char *sql)
{
    struct sc_error err;
    if (my_run(conn, &err, sql) != SC_OK)
        fail_msg("%s: %s", sql, err.what);
}

static void need_server(void)
{
    if (ddl)
        return;
    print_message("SEACHANGE_TEST_MYSQL_URL is not set\n");
    skip();
}

static int begin(void **state)
{
    (void)state;
    struct sc_error err;
    if (!getenv("SEACHANGE_TEST_MYSQL_URL"))
        return 0;
    server.url = mem_strdup(getenv("SEACHANGE_TEST_MYSQL_URL"));
    server.application = mem_strdup("seachange test");
    if (my_server_learn(&server, "test", &ddl, &err) != SC_OK) {
        print_error("%s\n", err.what);
        return 1;
    }
    run(ddl, "CREATE DATABASE IF NOT EXISTS sc_conn");
    run(ddl, "CREATE OR REPLACE VIEW sc_conn.v AS SELECT 1 AS x");
    run(ddl, "DROP TABLE IF EXISTS sc_conn.t");
    run(ddl, "CREATE TABLE sc_conn.t (id int PRIMARY KEY, n tinyint, u varchar(20) UNIQUE)");
    return 0;
}

static int end(void **state)
{
    (void)state;
    struct sc_error err;
    if (!ddl)
        return 0;
    (void)my_run(ddl, &err, "DROP DATABASE sc_conn");
    my_close(ddl);
    my_server_fini(&server);
    return 0;
}

static struct my_conn *open_data(void)
{
    struct my_conn *conn;
    struct sc_error err;
    if (my_open(&server, "data", MY_DATA, &conn, &err) != SC_OK)
        fail_msg("%s", err.what);
    return conn;
}

static void the_server_is_learnt(void **state)
{
    (void)state;
    need_server();
    assert_true(server.version >= 80013);
    assert_int_equal(server.family, strcasestr(server.version_text, "mariadb") ? MY_MARIADB : MY_MYSQL);
    assert_true(server.identity[0] && server.user[0] && server.server_id > 0 && server.max_allowed_packet > 0);
    assert_true(ddl->thread_id > 0);
}

static void every_session_has_its_settings(void **state)
{
    (void)state;
    need_server();
    struct my_conn *conn = open_data();
    struct sc_error err;
    char *value;
    assert_int_equal(my_value(conn, &err, &value,
                              "SELECT CONCAT_WS('|', @@time_zone, @@autocommit + 0, @@character_set_client,"
                              " IFNULL(@@character_set_results, 'none'), @@foreign_key_checks + 0)"),
                     SC_OK);
    assert_string_equal(value, "+00:00|1|utf8mb4|none|1");
    mem_free(value);
    assert_int_equal(my_value(conn, &err, &value, "SELECT @@sql_mode"), SC_OK);
    assert_non_null(strstr(value, "STRICT_ALL_TABLES"));
    assert_non_null(strstr(value, "NO_AUTO_VALUE_ON_ZERO"));
    assert_null(strstr(value, "NO_ZERO_DATE"));
    mem_free(value);
    assert_int_equal(my_value(ddl, &err, &value, "SELECT @@sql_mode"), SC_OK);
    assert_string_equal(value, server.sql_mode);
    mem_free(value);
    my_close(conn);
}

static void rows_are_counted_as_found_and_warnings_are_errors(void **state)
{
    (void)state;
    need_server();
    struct my_conn *conn = open_data();
    struct sc_error err;
    uint64_t rows;
    const char *insert = "INSERT INTO sc_conn.t VALUES (1, 1, 'secret'), (2, 2, 'b')";
    assert_int_equal(my_change(conn, &err, insert, strlen(insert), &rows), SC_OK);
    assert_int_equal(rows, 2);
    const char *same = "UPDATE sc_conn.t SET n = 1 WHERE id = 1";
    assert_int_equal(my_change(conn, &err, same, strlen(same), &rows), SC_OK);
    assert_int_equal(rows, 1);
    const char *ignore = "INSERT IGNORE INTO sc_conn.t VALUES (3, 3000, 'c')";
    assert_int_equal(my_change(conn, &err, ignore, strlen(ignore), &rows), SC_FAIL);
    assert_int_equal(rows, 0);
    assert_string_equal(err.object, "n");
    const char *twice = "INSERT INTO sc_conn.t VALUES (9, 3, 'secret')";
    assert_int_equal(my_change(conn, &err, twice, strlen(twice), &rows), SC_FAIL);
    assert_int_equal(my_errno(conn), 1062);
    assert_null(strstr(err.what, "secret"));
    assert_string_equal(err.object, "u");
    assert_true(my_alive(conn));
    my_close(conn);
}

static void a_killed_connection_is_found_lost(void **state)
{
    (void)state;
    need_server();
    struct my_conn *conn = open_data();
    struct sc_error err;
    assert_int_equal(my_runf(ddl, &err, "KILL %lu", conn->thread_id), SC_OK);
    assert_int_equal(my_run(conn, &err, "SELECT SLEEP(5)"), SC_RETRY);
    assert_false(my_alive(conn));
    my_close(conn);
}

static void an_answer_that_does_not_come_is_given_up_and_a_stop_is_heard(void **state)
{
    (void)state;
    need_server();
    struct my_conn *conn = open_data();
    struct sc_error err;
    MYSQL_RES *res;
    assert_int_equal(my_query_within(conn, &err, &res, 1000, "SELECT 7"), SC_OK);
    assert_string_equal(mysql_fetch_row(res)[0], "7");
    mysql_free_result(res);
    assert_int_equal(my_query_within(conn, &err, &res, 200, "SELECT SLEEP(3)"), SC_RETRY);
    assert_false(my_alive(conn));
    my_close(conn);
    atomic_bool stop = false;
    server.stop = &stop;
    conn = open_data();
    atomic_store(&stop, true);
    assert_int_equal(my_query_within(conn, &err, NULL, 5000, "DO SLEEP(3)"), SC_STOP);
    my_close(conn);
    assert_int_equal(my_open(&server, "data", MY_DATA, &conn, &err), SC_STOP);
    server.stop = NULL;
}

static void tls_is_not_left_out_where_it_is_demanded(void **state)
{
    (void)state;
    need_server();
    struct my_server other = {.url =
                                  mem_printf("%s%cssl-mode=REQUIRED", server.url, strchr(server.url, '?') ? '&' : '?')};
    struct my_conn *conn;
    struct sc_error err;
    enum sc_result result = my_server_learn(&other, "test", &conn, &err);
    if (result == SC_OK)
        assert_non_null(mysql_get_ssl_cipher(conn->my));
    else
        assert_int_equal(result, SC_REFUSE);
    my_close(conn);
    my_server_fini(&other);
    other = (struct my_server){.url = mem_printf("%s%cssl-mode=VERIFY_IDENTITY&ssl-ca=/nonexistent.pem", server.url,
                                                 strchr(server.url, '?') ? '&' : '?')};
    assert_int_equal(my_server_learn(&other, "test", &conn, &err), SC_REFUSE);
    my_server_fini(&other);
}

static enum sc_result learn_with(const char *mode, const char *ca, bool *encrypted)
{
    struct my_server other = {.url = mem_printf("%s%cssl-mode=%s&ssl-ca=%s/%s.pem", server.url,
                                                strchr(server.url, '?') ? '&' : '?', mode, getenv("SEACHANGE_TEST_TLS"),
                                                ca)};
    struct my_conn *conn;
    struct sc_error err;
    enum sc_result result = my_server_learn(&other, "test", &conn, &err);
    *encrypted = result == SC_OK && mysql_get_ssl_cipher(conn->my);
    my_close(conn);
    my_server_fini(&other);
    return result;
}

static void the_server_s_certificate_is_verified(void **state)
{
    (void)state;
    need_server();
    assert_non_null(getenv("SEACHANGE_TEST_TLS"));
    static const char *const modes[] = {"VERIFY_CA", "VERIFY_IDENTITY"};
    bool encrypted;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(learn_with(modes[i], "ca", &encrypted), SC_OK);
        assert_true(encrypted);
        assert_int_equal(learn_with(modes[i], "other", &encrypted), SC_REFUSE);
    }
    assert_int_equal(learn_with("DISABLED", "other", &encrypted), SC_OK);
    assert_false(encrypted);
}

static void a_wrong_password_is_refused(void **state)
{
    (void)state;
    need_server();
    struct my_server other = {.url = mem_printf("%s%cpassword=wrong", server.url, strchr(server.url, '?') ? '&' : '?')};
    struct my_conn *conn;
    struct sc_error err;
    assert_int_equal(my_server_learn(&other, "test", &conn, &err), SC_REFUSE);
    assert_null(conn);
    my_server_fini(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_is_learnt),
        cmocka_unit_test(every_session_has_its_settings),
        cmocka_unit_test(rows_are_counted_as_found_and_warnings_are_errors),
        cmocka_unit_test(a_killed_connection_is_found_lost),
        cmocka_unit_test(an_answer_that_does_not_come_is_given_up_and_a_stop_is_heard),
        cmocka_unit_test(tls_is_not_left_out_where_it_is_demanded),
        cmocka_unit_test(the_server_s_certificate_is_verified),
        cmocka_unit_test(a_wrong_password_is_refused),
    };
    return cmocka_run_group_tests_name("mysql connections with a server", tests, begin, end);
}
