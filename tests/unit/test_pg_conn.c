/* PostgreSQL's ways of writing things: names, literals, positions, snapshots, errors. No server is needed. */
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/postgres/conn.h"

static void assert_text(char *made, const char *expected)
{
    assert_string_equal(made, expected);
    mem_free(made);
}

static void names_are_always_quoted(void **state)
{
    (void)state;
    assert_text(pg_ident("plain"), "\"plain\"");
    assert_text(pg_ident("Mixed \"case\""), "\"Mixed \"\"case\"\"\"");
    assert_text(pg_ident(""), "\"\"");
    assert_text(pg_qualified("a.b", "c\"d"), "\"a.b\".\"c\"\"d\"");
}

static void literals_cannot_be_left_by_their_text(void **state)
{
    (void)state;
    assert_text(pg_literal("it's"), "'it''s'");
    assert_text(pg_literal("'; DROP TABLE t; --"), "'''; DROP TABLE t; --'");
    assert_text(pg_literal("back\\slash"), "'back\\slash'");
    assert_text(pg_literal(""), "''");
}

static void a_position_is_read_as_it_is_written(void **state)
{
    (void)state;
    const uint64_t positions[] = {0, 1, 0xffffffffu, 0x100000000u, 0x16b374d848u, UINT64_MAX};
    for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
        char text[24];
        uint64_t back = 77;
        pg_lsn_format(positions[i], text);
        assert_true(pg_lsn_parse(text, &back));
        assert_int_equal(back, positions[i]);
    }
    uint64_t lsn;
    assert_true(pg_lsn_parse("16/B374D848", &lsn));
    assert_int_equal(lsn, 0x16b374d848u);
    assert_true(pg_lsn_parse("16/b374d848", &lsn));
    assert_int_equal(lsn, 0x16b374d848u);
}

static void what_is_not_a_position_is_not_read_as_one(void **state)
{
    (void)state;
    const char *const wrong[] = {"",     "/",   "1",   "1/",   "/1",          "1/2/3",      "1/2 ",
                                 " 1/2", "g/1", "1/g", "-1/2", "123456789/0", "0/123456789"};
    uint64_t lsn;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(pg_lsn_parse(wrong[i], &lsn));
}

static void a_snapshot_sees_what_ended_before_it_and_nothing_that_ran(void **state)
{
    (void)state;
    struct pg_snapshot s;
    assert_true(pg_snapshot_parse("10:20:12,15", &s));
    assert_int_equal(s.xmin, 10);
    assert_int_equal(s.xmax, 20);
    assert_int_equal(s.nxip, 2);
    assert_true(pg_snapshot_sees(&s, 9));
    assert_true(pg_snapshot_sees(&s, 10));
    assert_false(pg_snapshot_sees(&s, 12));
    assert_true(pg_snapshot_sees(&s, 13));
    assert_false(pg_snapshot_sees(&s, 15));
    assert_true(pg_snapshot_sees(&s, 19));
    assert_false(pg_snapshot_sees(&s, 20));
    assert_false(pg_snapshot_sees(&s, 1000));
    pg_snapshot_fini(&s);
}

static void a_snapshot_without_running_transactions_is_read(void **state)
{
    (void)state;
    struct pg_snapshot s;
    assert_true(pg_snapshot_parse("7:7:", &s));
    assert_int_equal(s.nxip, 0);
    assert_true(pg_snapshot_sees(&s, 6));
    assert_false(pg_snapshot_sees(&s, 7));
    pg_snapshot_fini(&s);
}

static void what_is_not_a_snapshot_is_not_read_as_one(void **state)
{
    (void)state;
    const char *const wrong[] = {"",       "1",        "1:2",     "1:2:,",  "1:2:3,",
                                 "1:2:,3", "1:2:3,,4", "1:2:3;4", "a:2:",   "1:b:",
                                 "1:2:c",  "-1:2:",    " 1:2:",   "1:2: 3", "99999999999999999999:1:"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct pg_snapshot s;
        assert_false(pg_snapshot_parse(wrong[i], &s));
        assert_null(s.xip);
        assert_int_equal(s.nxip, 0);
    }
}

static void a_transaction_id_gets_the_epoch_that_is_nearest(void **state)
{
    (void)state;
    const uint64_t epoch = UINT64_C(1) << 32;
    assert_int_equal(pg_xid_widen(1000, 1010), 1000);
    assert_int_equal(pg_xid_widen(1010, 1000), 1010);
    /* The snapshot is just behind a wraparound, the transaction just before it. */
    assert_int_equal(pg_xid_widen(0xfffffff0u, 3 * epoch + 5), 3 * epoch - 16);
    /* The other way round. */
    assert_int_equal(pg_xid_widen(5, 3 * epoch - 16), 3 * epoch + 5);
    assert_int_equal(pg_xid_widen(0, 2 * epoch), 2 * epoch);
}

static void a_snapshot_behind_a_wraparound_sees_transactions_before_it(void **state)
{
    (void)state;
    /* xmin 4294967290 is in epoch 0, xmax 4294967300 in epoch 1; 4294967298 (32 bits: 2) still runs. */
    struct pg_snapshot s;
    assert_true(pg_snapshot_parse("4294967290:4294967300:4294967290,4294967298", &s));
    assert_true(pg_snapshot_sees(&s, pg_xid_widen(4294967289u, s.xmax)));
    assert_false(pg_snapshot_sees(&s, pg_xid_widen(4294967290u, s.xmax)));
    assert_true(pg_snapshot_sees(&s, pg_xid_widen(4294967295u, s.xmax)));
    assert_false(pg_snapshot_sees(&s, pg_xid_widen(2, s.xmax)));
    assert_true(pg_snapshot_sees(&s, pg_xid_widen(3, s.xmax)));
    assert_false(pg_snapshot_sees(&s, pg_xid_widen(4, s.xmax)));
    pg_snapshot_fini(&s);
}

static void what_may_pass_is_tried_again(void **state)
{
    (void)state;
    const char *const retry[] = {"40001", "40P01", "55P03", "57014", "57P01", "57P03", "53300", "08006", ""};
    const char *const fail[] = {"23505", "22P02", "42P01", "XX000", "25006", "42501"};
    for (size_t i = 0; i < sizeof(retry) / sizeof(retry[0]); i++)
        assert_int_equal(pg_classify(retry[i]), SC_RETRY);
    for (size_t i = 0; i < sizeof(fail) / sizeof(fail[0]); i++)
        assert_int_equal(pg_classify(fail[i]), SC_FAIL);
}

static void a_server_that_refuses_is_not_asked_again_and_one_without_room_is(void **state)
{
    (void)state;
    const char *const refuse[] = {
        "connection to server at \"h\" failed: FATAL:  password authentication failed for user \"u\"",
        "connection to server at \"h\" failed: FATAL:  database \"x\" does not exist",
        "connection to server at \"h\" failed: FATAL:  role \"x\" does not exist",
        "connection to server at \"h\" failed: FATAL:  role \"x\" is not permitted to log in",
        "FATAL:  no pg_hba.conf entry for host \"1.2.3.4\", user \"u\", database \"d\", no encryption",
        "missing \"=\" after \"secret\" in connection info string",
        "invalid connection option \"hots\"",
        "FATAL:  must be superuser or replication role to start walsender",
    };
    const char *const retry[] = {
        "connection to server at \"h\" failed: Connection refused",
        "connection to server at \"h\" failed: FATAL:  sorry, too many clients already",
        "connection to server at \"h\" failed: FATAL:  too many connections for role \"x\"",
        "connection to server at \"h\" failed: FATAL:  the database system is starting up",
        "connection to server at \"h\" failed: timeout expired",
        "connection to server at \"h\" failed: server closed the connection unexpectedly",
        "FATAL:  number of requested standby connections exceeds max_wal_senders (currently 1)",
        "could not translate host name \"h\" to address: Temporary failure in name resolution",
    };
    for (size_t i = 0; i < sizeof(refuse) / sizeof(refuse[0]); i++)
        assert_int_equal(pg_classify_connect(refuse[i]), SC_REFUSE);
    for (size_t i = 0; i < sizeof(retry) / sizeof(retry[0]); i++)
        assert_int_equal(pg_classify_connect(retry[i]), SC_RETRY);
}

static void assert_masked(const char *sqlstate, const char *message, const char *expected)
{
    char text[256];
    snprintf(text, sizeof(text), "%s", message);
    pg_mask_values(text, sqlstate);
    assert_string_equal(text, expected);
}

static void values_are_taken_out_of_data_exceptions(void **state)
{
    (void)state;
    assert_masked("22P02", "invalid input syntax for type integer: \"secret\"",
                  "invalid input syntax for type integer: \"*\"");
    assert_masked("22003", "value \"99999\" is out of range for type smallint",
                  "value \"*\" is out of range for type smallint");
    assert_masked("22P02", "invalid input syntax: \"a \"quoted\" secret\"", "invalid input syntax: \"*\"");
    assert_masked("22P02", "invalid input syntax: \"a secret that was cut of", "invalid input syntax: \"*");
    assert_masked("22P02", "ung\u00fcltige Eingabe: \u00bbgeheim\u00ab", "ung\u00fcltige Eingabe: \u00bb*\u00ab");
    assert_masked("22021", "invalid byte sequence for encoding \"UTF8\": 0xe4 0x62",
                  "invalid byte sequence for encoding \"*\": *");
    assert_masked("22012", "division by zero", "division by zero");
    assert_masked("22P02", "empty: \"\"", "empty: \"\"");
}

static void names_stay_in_other_errors(void **state)
{
    (void)state;
    assert_masked("23505", "duplicate key value violates unique constraint \"t_pkey\"",
                  "duplicate key value violates unique constraint \"t_pkey\"");
    assert_masked("42P01", "relation \"t\" does not exist", "relation \"t\" does not exist");
}

static void pieces_of_an_unescaped_password_are_not_shown(void **state)
{
    (void)state;
    char host[] = "could not translate host name \"word@db.example\" to address: Name or service not known";
    pg_mask_url(host);
    assert_null(strstr(host, "word"));
    char port[] = "invalid port number: \"sec\"";
    pg_mask_url(port);
    assert_string_equal(port, "invalid port number: \"*\"");
    char option[] = "missing \"=\" after \"passwordsecret\" in connection info string";
    pg_mask_url(option);
    assert_null(strstr(option, "secret"));
    char harmless[] = "connection to server at \"db.example\", port 5432 failed: Connection refused";
    pg_mask_url(harmless);
    assert_non_null(strstr(harmless, "db.example"));
}

static void a_url_that_cannot_be_read_is_refused_without_showing_it(void **state)
{
    (void)state;
    struct pg_server server = {.url = (char *)"host=/nowhere passwordsecret"};
    struct pg_conn *conn = NULL;
    struct sc_error err;
    assert_int_equal(pg_open(&server, "test", PG_DDL, &conn, &err), SC_REFUSE);
    assert_null(conn);
    assert_null(strstr(err.what, "secret"));
}

static void a_server_that_is_not_there_may_come(void **state)
{
    (void)state;
    struct pg_server server = {.url = (char *)"host=/nonexistent dbname=x"};
    struct pg_conn *conn = NULL;
    struct sc_error err;
    assert_int_equal(pg_open(&server, "test", PG_DATA, &conn, &err), SC_RETRY);
    assert_null(conn);
    assert_non_null(strstr(err.what, "cannot connect (test)"));
}

/* Says it when the test has waited a moment. */
static void *say_stop(void *arg)
{
    clock_sleep_ms(300);
    atomic_store((atomic_bool *)arg, true);
    return NULL;
}

static void a_server_that_takes_the_connection_and_says_nothing_does_not_hold_up_a_stop(void **state)
{
    (void)state;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 5), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    char *url = mem_printf("postgresql://nobody@127.0.0.1:%d/x", ntohs(address.sin_port));
    atomic_bool stop = false;
    struct pg_server server = {.url = url, .stop = &stop};
    struct pg_conn *conn = NULL;
    struct sc_error err;
    pthread_t sayer;
    assert_int_equal(pthread_create(&sayer, NULL, say_stop, &stop), 0);
    int64_t begin = clock_us();
    assert_int_equal(pg_open(&server, "test", PG_REPLICATION, &conn, &err), SC_STOP);
    assert_true(clock_us() - begin < 1000000);
    assert_null(conn);
    pthread_join(sayer, NULL);
    mem_free(url);

    /* Without a wish to stop it is waited for as long as was said. */
    stop = false;
    server.url = url = mem_printf("postgresql://nobody@127.0.0.1:%d/x?connect_timeout=2", ntohs(address.sin_port));
    begin = clock_us();
    assert_int_equal(pg_open(&server, "test", PG_REPLICATION, &conn, &err), SC_RETRY);
    assert_in_range(clock_us() - begin, 1900000, 4000000);
    mem_free(url);
    close(listener);
}

/* --- a connection of which only the sending half is known to be gone --- */

static void say(int fd, const void *message, size_t len)
{
    assert_int_equal(send(fd, message, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void hear(int fd)
{
    char ignored[1024];
    assert_true(recv(fd, ignored, sizeof(ignored), 0) > 0);
}

/* Lets a client in, answers one statement, and goes, with more to say than is read at once. */
struct goer {
    int listener, more;
};
static void *go(void *arg)
{
    static const char in[] = "R\0\0\0\x08\0\0\0\0S\0\0\0\x18server_version\00015.0\0Z\0\0\0\x05I",
                      done[] = "C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I", notice[] = "N\0\0\0\x1dSWARNING\0VWARNING\0Mgone\0";
    const struct goer *g = arg;
    int fd = accept(g->listener, NULL, NULL);
    hear(fd);
    say(fd, in, sizeof(in) - 1);
    hear(fd);
    say(fd, done, sizeof(done) - 1);
    char byte;
    assert_int_equal(read(g->more, &byte, 1), 1);
    struct buf all = {0};
    for (int i = 0; i < 1500; i++)
        buf_bytes(&all, notice, sizeof(notice));
    say(fd, all.data, all.len);
    buf_fini(&all);
    close(fd);
    return NULL;
}

static void pass_over(void *arg, const PGresult *res)
{
    (void)arg;
    (void)res;
}

static void a_failed_write_is_a_lost_connection(void **state)
{
    (void)state;
    char directory[] = "/tmp/seachange-unit.XXXXXX";
    assert_non_null(mkdtemp(directory));
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof(at.sun_path), "%s/.s.PGSQL.5432", directory);
    int more[2];
    assert_int_equal(pipe(more), 0);
    struct goer g = {.listener = socket(AF_UNIX, SOCK_STREAM, 0), .more = more[0]};
    assert_int_equal(bind(g.listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(g.listener, 1), 0);
    pthread_t thread;
    pthread_create(&thread, NULL, go, &g);
    char *conninfo = mem_printf("host=%s port=5432 user=u dbname=d gssencmode=disable", directory);
    struct pg_conn conn = {.pg = PQconnectdb(conninfo), .role = "test"};
    PQsetNoticeReceiver(conn.pg, pass_over, NULL);
    struct sc_error err;
    assert_int_equal(pg_run(&conn, &err, "SELECT 1"), SC_OK);
    assert_true(pg_alive(&conn));
    assert_int_equal(write(more[1], "x", 1), 1);
    pthread_join(thread, NULL);
    assert_int_equal(pg_run(&conn, &err, "SELECT 1"), SC_RETRY);
    assert_string_equal(err.what, "the connection to the server was lost");
    assert_false(pg_alive(&conn));
    PQfinish(conn.pg);
    mem_free(conninfo);
    close(more[0]);
    close(more[1]);
    close(g.listener);
    unlink(at.sun_path);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_always_quoted),
        cmocka_unit_test(literals_cannot_be_left_by_their_text),
        cmocka_unit_test(a_position_is_read_as_it_is_written),
        cmocka_unit_test(what_is_not_a_position_is_not_read_as_one),
        cmocka_unit_test(a_snapshot_sees_what_ended_before_it_and_nothing_that_ran),
        cmocka_unit_test(a_snapshot_without_running_transactions_is_read),
        cmocka_unit_test(what_is_not_a_snapshot_is_not_read_as_one),
        cmocka_unit_test(a_transaction_id_gets_the_epoch_that_is_nearest),
        cmocka_unit_test(a_snapshot_behind_a_wraparound_sees_transactions_before_it),
        cmocka_unit_test(what_may_pass_is_tried_again),
        cmocka_unit_test(a_server_that_refuses_is_not_asked_again_and_one_without_room_is),
        cmocka_unit_test(values_are_taken_out_of_data_exceptions),
        cmocka_unit_test(names_stay_in_other_errors),
        cmocka_unit_test(pieces_of_an_unescaped_password_are_not_shown),
        cmocka_unit_test(a_url_that_cannot_be_read_is_refused_without_showing_it),
        cmocka_unit_test(a_server_that_is_not_there_may_come),
        cmocka_unit_test(a_failed_write_is_a_lost_connection),
        cmocka_unit_test(a_server_that_takes_the_connection_and_says_nothing_does_not_hold_up_a_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
