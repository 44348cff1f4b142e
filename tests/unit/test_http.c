/* The HTTP server, asked by bare sockets: by people, by Prometheus, and by those who mean no good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/server.h"
#include "status/status.h"

static struct http_server *server;
static struct sc_error err;

static int start(void **state)
{
    (void)state;
    struct http_address at;
    status_begin("migrate");
    error_init(&err);
    return http_address_parse("0", &at, &err) == SC_OK && http_start(&at, "1.2.3", &server, &err) == SC_OK ? 0 : 1;
}

static int end(void **state)
{
    (void)state;
    http_stop(server);
    return 0;
}

static void where_to_listen_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        uint16_t port;
    } good[] = {{"9187", "127.0.0.1", 9187},   {":0", "127.0.0.1", 0},    {"0.0.0.0:80", "0.0.0.0", 80},
                {"[::1]:65535", "::1", 65535}, {"[::]:9187", "::", 9187}, {"10.1.2.3:09187", "10.1.2.3", 9187}};
    static const char *const bad[] = {"",
                                      ":",
                                      "x",
                                      "65536",
                                      "-1",
                                      "+1",
                                      "1 ",
                                      "::1:80",
                                      "[::1]",
                                      "[::1]80",
                                      "localhost:80",
                                      "[1.2.3.4]:80",
                                      "1.2.3:80",
                                      "1.2.3.4:",
                                      "[]:80",
                                      "[::1:80",
                                      "1.2.3.4:99999999999999",
                                      "[fe80::1%eth0]:80"};
    struct http_address at;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(http_address_parse(good[i].text, &at, &err), SC_OK);
        assert_string_equal(at.host, good[i].host);
        assert_int_equal(at.port, good[i].port);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(http_address_parse(bad[i], &at, &err), SC_REFUSE);
}

static void one_that_is_taken_is_refused(void **state)
{
    (void)state;
    struct http_address at = {.host = "127.0.0.1", .port = http_port(server)};
    struct http_server *second = NULL;
    assert_int_equal(http_start(&at, "1.2.3", &second, &err), SC_REFUSE);
    assert_null(second);
    assert_non_null(strstr(err.what, "in use"));
}

static int connect_to_it(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(http_port(server))};
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval most = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

/* Sends the text, and reads until the server closes. */
static void ask(const char *request, char *answer, size_t size)
{
    int fd = connect_to_it();
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    size_t used = 0;
    ssize_t n;
    while (used + 1 < size && (n = recv(fd, answer + used, size - 1 - used, 0)) > 0)
        used += (size_t)n;
    answer[used] = 0;
    close(fd);
}

static void get(const char *path, char *answer, size_t size)
{
    char request[300];
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    ask(request, answer, size);
}

static void what_is_asked_is_answered(void **state)
{
    (void)state;
    char a[20000];
    struct status s = {.phase = "copy", .rows_copied = 42, .lag_ms = -1, .eta_s = -1, .writers_held_ms = -1};
    get("/readyz", a, sizeof(a));
    assert_non_null(strstr(a, " 503 "));
    s.ready = true;
    status_publish(&s);
    get("/readyz", a, sizeof(a));
    assert_int_equal(strncmp(a, "HTTP/1.1 200 ", 13), 0);
    get("/healthz", a, sizeof(a));
    assert_int_equal(strncmp(a, "HTTP/1.1 200 ", 13), 0);
    get("/metrics", a, sizeof(a));
    assert_non_null(strstr(a, "text/plain; version=0.0.4"));
    assert_non_null(strstr(a, "\nseachange_rows_copied_total 42\n"));
    get("/status", a, sizeof(a));
    assert_non_null(strstr(a, "application/json"));
    assert_non_null(strstr(a, "\"rows_copied\":42"));
    get("/status?x=1", a, sizeof(a));
    assert_non_null(strstr(a, "\"rows_copied\":42"));
    get("/status/../etc/passwd", a, sizeof(a));
    assert_non_null(strstr(a, " 404 "));
}

static void nothing_can_be_changed(void **state)
{
    (void)state;
    char a[4000];
    static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        char request[300];
        snprintf(request, sizeof(request),
                 "%s /status HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", methods[i]);
        ask(request, a, sizeof(a));
        assert_non_null(strstr(a, " 405 "));
    }
    ask("HEAD /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", a, sizeof(a));
    assert_non_null(strstr(a, " 200 "));
    assert_null(strstr(a, "rows_copied"));
}

/* Neither who sends rubbish nor who says nothing keeps others from an answer. */
static void who_is_slow_or_rude_is_cut_off(void **state)
{
    (void)state;
    char a[4000];
    int slow[12];
    for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
        slow[i] = connect_to_it();
        assert_true(send(slow[i], "GET /sta", 8, MSG_NOSIGNAL) == 8);
    }
    ask("\x16\x03\x01\x02 not HTTP at all\r\n\r\n", a, sizeof(a));
    assert_null(strstr(a, " 200 "));
    static char header[64000];
    memset(header, 'x', sizeof(header) - 1);
    memcpy(header, "GET /status HTTP/1.1\r\nX: ", 25);
    int fd = connect_to_it();
    send(fd, header, sizeof(header) - 1, MSG_NOSIGNAL);
    send(fd, "\r\n\r\n", 4, MSG_NOSIGNAL);
    ssize_t n = recv(fd, a, sizeof(a) - 1, 0);
    a[n > 0 ? n : 0] = 0;
    assert_null(strstr(a, " 200 "));
    close(fd);
    get("/healthz", a, sizeof(a));
    assert_non_null(strstr(a, " 200 "));
    int64_t begun_us = clock_us();
    for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
        assert_true(recv(slow[i], a, sizeof(a), 0) <= 0 || strstr(a, " 408 "));
        close(slow[i]);
    }
    assert_in_range(clock_us() - begun_us, 0, 19000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_to_listen_is_read),        cmocka_unit_test(one_that_is_taken_is_refused),
        cmocka_unit_test(what_is_asked_is_answered),      cmocka_unit_test(nothing_can_be_changed),
        cmocka_unit_test(who_is_slow_or_rude_is_cut_off),
    };
    return cmocka_run_group_tests(tests, start, end);
}
