/* MySQL's and MariaDB's ways of writing things: URLs, names, literals, errors. No server is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mysql/conn.h"
#include "base/mysql/message.h"
#include "base/mysql/url.h"
#include "base/url.h"

static void assert_text(char *made, const char *expected)
{
    assert_string_equal(made, expected);
    mem_free(made);
}

static void names_are_always_quoted(void **state)
{
    (void)state;
    assert_text(my_ident("plain"), "`plain`");
    assert_text(my_ident("a`b"), "`a``b`");
    assert_text(my_qualified("a.b", "c`d"), "`a.b`.`c``d`");
}

static void literals_mean_the_same_under_every_sql_mode(void **state)
{
    (void)state;
    struct buf b = {0};
    my_add_literal(&b, "it's");
    my_add_literal(&b, "");
    my_add_literal(&b, "a\\'b");
    assert_string_equal(buf_cstr(&b), "'it''s'''_utf8mb4 X'615C2762'");
    buf_fini(&b);
}

static void a_url_is_taken_apart(void **state)
{
    (void)state;
    struct my_url url;
    struct sc_error err;
    assert_int_equal(my_url_parse("mysql://us%40er:p%2fw%25@db.example:3307/my%20db?ssl-mode=verify_identity&ssl_ca=/c"
                                  "a.pem&connect-timeout=3",
                                  &url, &err),
                     SC_OK);
    assert_string_equal(url.user, "us@er");
    assert_string_equal(url.password, "p/w%");
    assert_string_equal(url.host, "db.example");
    assert_int_equal(url.port, 3307);
    assert_string_equal(url.database, "my db");
    assert_int_equal(url.tls, MY_TLS_VERIFY_IDENTITY);
    assert_string_equal(url.tls_ca, "/ca.pem");
    assert_int_equal(url.connect_timeout_s, 3);
    assert_null(url.socket);
    my_url_fini(&url);
}

static void what_a_url_leaves_out_is_not_there(void **state)
{
    (void)state;
    struct my_url url;
    struct sc_error err;
    assert_int_equal(my_url_parse("mariadb:///?socket=%2Ftmp%2Fs", &url, &err), SC_OK);
    assert_null(url.user);
    assert_null(url.password);
    assert_null(url.host);
    assert_null(url.database);
    assert_int_equal(url.port, 0);
    assert_int_equal(url.tls, MY_TLS_PREFERRED);
    assert_string_equal(url.socket, "/tmp/s");
    my_url_fini(&url);
    assert_int_equal(my_url_parse("mysql://u@[::1]:3306/d", &url, &err), SC_OK);
    assert_string_equal(url.host, "::1");
    assert_int_equal(url.port, 3306);
    my_url_fini(&url);
    assert_int_equal(my_url_parse("mysql://h?ssl-ca=x", &url, &err), SC_OK);
    assert_string_equal(url.host, "h");
    assert_int_equal(url.tls, MY_TLS_VERIFY_CA);
    my_url_fini(&url);
}

static void a_password_with_unescaped_signs_is_read_whole(void **state)
{
    (void)state;
    struct my_url url;
    struct sc_error err;
    assert_int_equal(my_url_parse("mysql://u:p@s/w@h/d", &url, &err), SC_OK);
    assert_string_equal(url.password, "p@s/w");
    assert_string_equal(url.host, "h");
    assert_string_equal(url.database, "d");
    my_url_fini(&url);
}

static void a_wrong_url_is_refused_without_showing_its_secret(void **state)
{
    (void)state;
    const char *const wrong[] = {"host=x",
                                 "mysql://u:secret@h:0/d",
                                 "mysql://u:secret@h:70000/d",
                                 "mysql://u:secret%2@h/d",
                                 "mysql://u:secret%@h/d",
                                 "mysql://u:secret%zz@h/d",
                                 "mysql://u:secret%00@h/d",
                                 "mysql://u:secret@h:x/d",
                                 "mysql://u:secret@[::1/d",
                                 "mysql://u@h/d?password",
                                 "mysql://u@h/d?ssl-mode=secret",
                                 "mysql://u@h/d?charset=secret",
                                 "mysql://u@h/d?connect-timeout=secret",
                                 "mysql://u@h/d?=secret"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct my_url url;
        struct sc_error err;
        assert_int_equal(my_url_parse(wrong[i], &url, &err), SC_REFUSE);
        assert_null(strstr(err.what, "secret"));
        assert_null(strstr(err.hint, "secret"));
        my_url_fini(&url);
    }
}

static void a_password_is_found_in_urls_of_both_schemes(void **state)
{
    (void)state;
    assert_true(url_has_password("mysql://u:x@h/d"));
    assert_true(url_has_password("mariadb://u@h/d?password=x"));
    assert_false(url_has_password("mysql://u@h/d?ssl-key=/k.pem"));
    assert_text(url_redacted("mysql://u:x@h/d"), "mysql://u:***@h/d");
}

static void a_full_disk_is_told_from_other_failures_of_files(void **state)
{
    (void)state;
    assert_true(my_error_is_no_room(1114, "The table 't' is full"));
    assert_true(my_error_is_no_room(3675, "Create table/tablespace 't' failed, as disk is full"));
    assert_true(my_error_is_no_room(1005, "Can't create table `x`.`t` (errno: 135 \"No more room in record file\")"));
    assert_true(my_error_is_no_room(3, "Error writing file './x/t.frm' (Errcode: 28 \"No space left on device\")"));
    assert_true(my_error_is_no_room(1030, "Got error 28 \"No space left on device\" from storage engine InnoDB"));
    assert_false(my_error_is_no_room(1005, "Can't create table `x`.`t` (errno: 150 \"Foreign key constraint\")"));
    assert_false(my_error_is_no_room(1062, "Duplicate entry 'error 28 ' for key 'k'"));
}

static void what_may_pass_is_tried_again(void **state)
{
    (void)state;
    const unsigned retry[] = {1205, 1213, 3572, 1040, 1053, 1317, 2006, 2013, 1927, 4031};
    const unsigned fail[] = {1062, 1064, 1146, 1366, 1264, 1114, 1290, 1142};
    for (size_t i = 0; i < sizeof(retry) / sizeof(retry[0]); i++)
        assert_int_equal(my_classify(retry[i]), SC_RETRY);
    for (size_t i = 0; i < sizeof(fail) / sizeof(fail[0]); i++)
        assert_int_equal(my_classify(fail[i]), SC_FAIL);
}

static void a_server_that_refuses_is_not_asked_again_and_one_without_room_is(void **state)
{
    (void)state;
    assert_int_equal(my_classify_connect(1045, "Access denied for user 'u'", true), SC_REFUSE);
    assert_int_equal(my_classify_connect(1049, "Unknown database 'd'", true), SC_REFUSE);
    assert_int_equal(my_classify_connect(2059, "Authentication plugin cannot be loaded", true), SC_REFUSE);
    assert_int_equal(my_classify_connect(2026, "TLS/SSL error: certificate verify failed", true), SC_REFUSE);
    assert_int_equal(my_classify_connect(2026, "TLS/SSL error: unexpected eof", true), SC_RETRY);
    static const char self_signed[] = "TLS/SSL error: self-signed certificate in certificate chain";
    assert_int_equal(my_classify_connect(2026, self_signed, true), SC_REFUSE);
    assert_int_equal(my_classify_connect(2026, self_signed, false), SC_RETRY); /* it was cut off behind it */
    assert_int_equal(my_classify_connect(2026, "TLS/SSL error: SSL is required", false), SC_REFUSE);
    assert_int_equal(my_classify_connect(2026, "TLS/SSL error: sslv3 alert bad certificate", false), SC_REFUSE);
    assert_int_equal(my_classify_connect(2002, "Can't connect to local server", true), SC_RETRY);
    assert_int_equal(my_classify_connect(2003, "Can't connect to server", true), SC_RETRY);
    assert_int_equal(my_classify_connect(1040, "Too many connections", true), SC_RETRY);
    assert_int_equal(my_classify_connect(1053, "Server shutdown in progress", true), SC_RETRY);
}

static void assert_masked(unsigned error, const char *message, const char *expected, const char *expected_object)
{
    char text[256], object[64];
    snprintf(text, sizeof(text), "%s", message);
    my_mask_values(text, error);
    assert_string_equal(text, expected);
    my_object_of(text, error, object, sizeof(object));
    assert_string_equal(object, expected_object);
}

static void values_are_taken_out_of_messages_and_names_stay(void **state)
{
    (void)state;
    assert_masked(1062, "Duplicate entry 'it's 'secret'' for key 't.uk'", "Duplicate entry '*' for key 't.uk'", "uk");
    assert_masked(1062, "Duplicate entry 'secret' for key 'uk'", "Duplicate entry '*' for key 'uk'", "uk");
    assert_masked(1062, "Duplicate entry '' for key 'uk'", "Duplicate entry '' for key 'uk'", "uk");
    assert_masked(1366, "Incorrect integer value: 'secret' for column 'c' at row 1",
                  "Incorrect integer value: '*' for column 'c' at row 1", "c");
    assert_masked(1292, "Truncated incorrect DOUBLE value: 'secret'", "Truncated incorrect DOUBLE value: '*", "");
    assert_masked(1064, "You have an error near 'secret') ' at line 1", "You have an error near '*' at line 1", "");
    assert_masked(1526, "Table has no partition for value 77", "Table has no partition for value *", "");
    assert_masked(1264, "Out of range value for column 'c' at row 1", "Out of range value for column 'c' at row 1",
                  "c");
    assert_masked(1300, "Invalid utf8mb4 character string: 'secret'", "Invalid utf8mb4 character string: '*'", "");
    assert_masked(1146, "Table 'd.t' doesn't exist", "Table 'd.t' doesn't exist", "");
}

static void a_server_that_never_answers_is_given_up(void **state)
{
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    struct my_server server = {
        .url = mem_printf("mysql://u@127.0.0.1:%d/d?connect-timeout=1", (int)ntohs(address.sin_port))};
    struct my_conn *conn;
    struct sc_error err;
    int64_t begun = clock_us();
    assert_int_equal(my_server_learn(&server, "test", &conn, &err), SC_RETRY);
    assert_null(conn);
    assert_true(clock_us() - begun < 8000000);
    my_server_fini(&server);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_always_quoted),
        cmocka_unit_test(literals_mean_the_same_under_every_sql_mode),
        cmocka_unit_test(a_url_is_taken_apart),
        cmocka_unit_test(what_a_url_leaves_out_is_not_there),
        cmocka_unit_test(a_password_with_unescaped_signs_is_read_whole),
        cmocka_unit_test(a_wrong_url_is_refused_without_showing_its_secret),
        cmocka_unit_test(a_password_is_found_in_urls_of_both_schemes),
        cmocka_unit_test(a_full_disk_is_told_from_other_failures_of_files),
        cmocka_unit_test(what_may_pass_is_tried_again),
        cmocka_unit_test(a_server_that_refuses_is_not_asked_again_and_one_without_room_is),
        cmocka_unit_test(values_are_taken_out_of_messages_and_names_stay),
        cmocka_unit_test(a_server_that_never_answers_is_given_up),
    };
    return cmocka_run_group_tests_name("mysql connections", tests, NULL, NULL);
}
